import { randomUUID } from 'node:crypto'
import type { StateDatabase } from '../database/types.ts'
import type { Clock } from '../progress/clock.ts'
import { isoTime } from '../progress/clock.ts'
import type { OrganizePlan } from './organize-plan.ts'

/** A plan as it is kept: made, and maybe carried out, once. */
export interface StoredPlan extends OrganizePlan {
  id: string
  /** ISO 8601 UTC */
  created_at: string
  state: 'ready' | 'applied'
  /** The job that carries it out. */
  job: string | null
  /** The journal's operation, to undo it with. */
  operation: string | null
}

export interface OrganizePlanStore {
  add (plan: OrganizePlan): StoredPlan
  find (id: string): StoredPlan | undefined
  /** Marks a plan as being carried out. */
  apply (id: string, job: string): void
  done (id: string, operation: string | null): void
}

const KEPT_MS = 7 * 24 * 60 * 60 * 1000

const MIGRATIONS = [`
  CREATE TABLE organize_plans (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    job TEXT,
    operation TEXT,
    body TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX organize_plans_by_time ON organize_plans (created_at);
`]

interface Row { id: string, created_at: number, state: StoredPlan['state'], job: string | null, operation: string | null, body: string }

/** Plans in state.sqlite. They are forgotten after a week: by then the disk has moved on. */
export function createOrganizePlanStore (state: StateDatabase, clock: Clock): OrganizePlanStore {
  state.migrate('organize-plans', MIGRATIONS)
  const { db } = state
  const insert = db.prepare("INSERT INTO organize_plans (id, created_at, state, body) VALUES (?, ?, 'ready', ?)")
  const read = db.prepare<[string], Row>('SELECT * FROM organize_plans WHERE id = ?')
  const apply = db.prepare("UPDATE organize_plans SET state = 'applied', job = ? WHERE id = ?")
  const done = db.prepare('UPDATE organize_plans SET operation = ? WHERE id = ?')
  const prune = db.prepare('DELETE FROM organize_plans WHERE created_at < ?')

  function find (id: string): StoredPlan | undefined {
    const row = read.get(id)
    if (!row) return undefined
    const plan = JSON.parse(row.body) as OrganizePlan
    return { id, created_at: isoTime({ now: () => row.created_at }), state: row.state, job: row.job, operation: row.operation, ...plan }
  }

  return {
    add (plan) {
      const id = randomUUID()
      const now = clock.now()
      prune.run(now - KEPT_MS)
      insert.run(id, now, JSON.stringify(plan))
      return { id, created_at: isoTime({ now: () => now }), state: 'ready', job: null, operation: null, ...plan }
    },
    find,
    apply: (id, job) => { apply.run(job, id) },
    done: (id, operation) => { done.run(operation, id) }
  }
}
