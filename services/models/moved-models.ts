import type { ModelStore } from './store.ts'
import type { ModelTypeName } from './types.ts'

/** A row made from a file alone whose content is that of a model that vanished. */
export interface Heir { id: number, file_path: string, root_id: string, vanishedId: number, bytes: Buffer }

/** What vanished models' sidecars said, kept for 30 days for the file to come up again somewhere else. */
export interface MovedModels {
  heirs (type: ModelTypeName): Heir[]
  settled (vanishedId: number): void
  forgetOld (now: number): void
}

const KEPT_MS = 30 * 24 * 60 * 60 * 1000

export function createMovedModels ({ db }: Pick<ModelStore, 'db'>): MovedModels {
  // CROSS: few models vanish, so they come first; the planner may think otherwise and read all that have no sidecar.
  const heirs = db.prepare(`SELECT m.id, m.file_path, m.root_id, max(v.id) AS vanishedId, v.bytes FROM vanished v CROSS JOIN models m ON m.sha256 = v.sha256 AND m.bare = 1
    WHERE v.type = ? AND m.type = v.type AND m.sha256 <> '' GROUP BY m.sha256`)
  const drop = db.prepare('DELETE FROM vanished WHERE id = ?')
  const dropOld = db.prepare('DELETE FROM vanished WHERE vanished_at < ?')
  return {
    heirs: (type) => heirs.all(type) as Heir[],
    settled (id) { drop.run(id) },
    forgetOld (now) { dropOld.run(now - KEPT_MS) }
  }
}
