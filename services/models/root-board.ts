import type { Database } from 'better-sqlite3'
import type { Root, RootState, RootStatus } from '../files/types.ts'
import type { ProgressHub } from '../progress/types.ts'
import type { RootFinding } from './scan-types.ts'

type Facts = Pick<RootStatus, 'state' | 'reason' | 'last_reconcile' | 'last_duration_ms' | 'bytes_hashed' | 'read_only'>

/** What is known of the roots of one type: kept in the cache, so that a root that was away is known to be so at the next start. */
export interface RootBoard {
  roots (): readonly Root[]
  setRoots (roots: readonly Root[]): void
  status (countModels: (rootId: string) => number): RootStatus[]
  isOnline (rootId: string): boolean
  offline (): Set<string>
  /** Takes over what a scan found; answers whether a root came or went. */
  record (findings: readonly RootFinding[], time: { at: string, durationMs: number, whole: boolean }): boolean
  setReadOnly (rootId: string, readOnly: boolean): void
  isReadOnly (rootId: string): boolean
  addHashed (rootId: string, bytes: number): void
}

const FRESH: Facts = { state: 'unknown', reason: null, last_reconcile: null, last_duration_ms: null, bytes_hashed: 0, read_only: false }

export function createRootBoard (db: Database, hub: Pick<ProgressHub, 'publish'>): RootBoard {
  const read = db.prepare('SELECT state, reason, last_reconcile, last_duration_ms, bytes_hashed, read_only FROM root_states WHERE id = ?')
  const write = db.prepare(`INSERT OR REPLACE INTO root_states (id, type, state, reason, models, last_reconcile, last_duration_ms, bytes_hashed, read_only)
    VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)`)
  let configured: readonly Root[] = []
  const facts = new Map<string, Facts>()

  function change (id: string, next: Partial<Facts>): void {
    const root = configured.find((candidate) => candidate.id === id)
    if (!root) return
    const now = { ...facts.get(id) ?? FRESH, ...next }
    facts.set(id, now)
    write.run(id, root.type, now.state, now.reason, now.last_reconcile, now.last_duration_ms, now.bytes_hashed, Number(now.read_only))
  }

  function announce (root: Root, before: RootState, finding: RootFinding): void {
    const about = { id: root.id, path: root.path, model_type: root.type }
    if (finding.state === 'online') {
      if (before === 'offline' || before === 'suspect') hub.publish('root.online', about)
    } else if (before !== finding.state) {
      hub.publish('root.offline', { ...about, reason: finding.reason ?? '' })
    }
  }

  return {
    roots: () => configured,
    setRoots (roots) {
      configured = roots
      for (const root of roots) {
        if (facts.has(root.id)) continue
        const row = read.get(root.id) as (Omit<Facts, 'read_only'> & { read_only: number }) | undefined
        facts.set(root.id, row ? { ...row, read_only: row.read_only === 1 } : { ...FRESH })
      }
    },
    status: (countModels) => configured.map(({ folderKey, subType, ...root }) => ({ ...root, folder_key: folderKey, sub_type: subType, ...facts.get(root.id) ?? FRESH, models: countModels(root.id) })),
    isOnline: (id) => facts.get(id)?.state === 'online',
    offline: () => new Set(configured.filter((root) => ['offline', 'suspect'].includes(facts.get(root.id)?.state ?? 'unknown')).map((root) => root.id)),
    record (findings, { at, durationMs, whole }) {
      let changed = false
      for (const finding of findings) {
        const root = configured.find((candidate) => candidate.id === finding.id)
        if (!root) continue
        const before = facts.get(root.id)?.state ?? 'unknown'
        change(root.id, { state: finding.state, reason: finding.reason, ...(whole && { last_reconcile: at, last_duration_ms: durationMs, read_only: false }) })
        if (before !== finding.state) {
          changed = true
          announce(root, before, finding)
        }
      }
      return changed
    },
    setReadOnly (id, readOnly) { change(id, { read_only: readOnly }) },
    isReadOnly: (id) => facts.get(id)?.read_only ?? false,
    addHashed (id, bytes) { change(id, { bytes_hashed: (facts.get(id)?.bytes_hashed ?? 0) + bytes }) }
  }
}
