import type { Database } from 'better-sqlite3'
import { ensureColumns, type Columns } from '../database/shared.ts'

const statusColumns: Columns = { model_type: 'TEXT', last_checked_at: 'REAL', should_ignore_model: 'INTEGER NOT NULL DEFAULT 0' }
const versionColumns: Columns = {
  sort_index: 'INTEGER NOT NULL DEFAULT 0',
  name: 'TEXT',
  base_model: 'TEXT',
  released_at: 'TEXT',
  size_bytes: 'INTEGER',
  preview_url: 'TEXT',
  is_in_library: 'INTEGER NOT NULL DEFAULT 0',
  should_ignore: 'INTEGER NOT NULL DEFAULT 0',
  early_access_ends_at: 'TEXT',
  is_early_access: 'INTEGER NOT NULL DEFAULT 0',
  usage_control: 'TEXT',
  paid_access: 'TEXT',
  is_paid: 'INTEGER NOT NULL DEFAULT 0'
}

const listed = (columns: Columns): string => Object.entries(columns).map(([name, declaration]) => `${name} ${declaration}`).join(', ')
const versionTable = (name: string): string => `CREATE TABLE IF NOT EXISTS ${name} (model_id INTEGER NOT NULL, version_id INTEGER NOT NULL, ${listed(versionColumns)}, PRIMARY KEY (model_id, version_id))`

/** Tables of update records, as other programs of the family make and read them; what older ones lack is added, rows stay. */
export function prepareUpdates (db: Database): void {
  db.transaction(() => {
    db.exec(`CREATE TABLE IF NOT EXISTS model_update_status (model_id INTEGER PRIMARY KEY, ${listed(statusColumns)})`)
    db.exec(versionTable('model_update_versions'))
    ensureColumns(db, 'model_update_status', statusColumns)
    ensureColumns(db, 'model_update_versions', versionColumns)
    if (!hasBothKeys(db)) rebuildVersions(db)
  }).immediate()
}

interface Column { name: string, pk: number }

function hasBothKeys (db: Database): boolean {
  const keys = (db.pragma('table_info(model_update_versions)') as Column[]).filter(({ pk }) => pk > 0).map(({ name }) => name)
  return keys.length === 2 && keys.includes('model_id') && keys.includes('version_id')
}

/** Older files know a version by its id alone. */
function rebuildVersions (db: Database): void {
  const columns = ['model_id', 'version_id', ...Object.keys(versionColumns)]
  const defaults = columns.map((name) => versionColumns[name]?.includes('NOT NULL') ? `coalesce(${name}, 0)` : name)
  db.exec(versionTable('model_update_versions_new'))
  db.exec(`INSERT OR IGNORE INTO model_update_versions_new (${columns.join(', ')}) SELECT ${defaults.join(', ')} FROM model_update_versions WHERE model_id IS NOT NULL AND version_id IS NOT NULL`)
  db.exec('DROP TABLE model_update_versions')
  db.exec('ALTER TABLE model_update_versions_new RENAME TO model_update_versions')
}
