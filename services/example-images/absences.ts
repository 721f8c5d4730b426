import type { StateDatabase } from '../database/types.ts'

/** `not_found`: the host said 404 or 410; `forbidden`: 401 or 403. `unsupported`: it came, and is nothing that clients show. */
export type AbsenceKind = 'not_found' | 'forbidden' | 'unsupported'

export interface Absence { kind: AbsenceKind, firstAt: number, lastAt: number, count: number }

/** What is remembered of images that could not be had; hosts that were unwell leave no trace here. */
export interface Absences {
  /** By address. */
  of (sha256: string): ReadonlyMap<string, Absence>
  /** Notes it once more. Answers true when it may be marked in the sidecar: said twice, at least 24 hours apart. */
  note (sha256: string, url: string, kind: AbsenceKind): boolean
  /** Whether the answer is young enough not to ask again in the background. */
  isSettled (absence: Absence | undefined): boolean
  /** It is there after all, or shall be asked for again. Without an address: all of the model. */
  forget (sha256: string, url?: string): void
}

export const DAY_MS = 24 * 60 * 60 * 1000

const steps = [`
  CREATE TABLE example_image_absences (sha256 TEXT NOT NULL, url TEXT NOT NULL, kind TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (sha256, url)) WITHOUT ROWID;
`]

interface Row { url: string, kind: AbsenceKind, first_at: number, last_at: number, count: number }

/** In the state database, since a mark in a sidecar rests on it. */
export function createAbsences ({ state, now = Date.now }: { state: StateDatabase, now?: () => number }): Absences {
  state.migrate('example-image-absences', steps)
  const { db } = state
  const read = db.prepare<[string], Row>('SELECT url, kind, first_at, last_at, count FROM example_image_absences WHERE sha256 = ?')
  const readOne = db.prepare<[string, string], Row>('SELECT url, kind, first_at, last_at, count FROM example_image_absences WHERE sha256 = ? AND url = ?')
  const put = db.prepare(`INSERT INTO example_image_absences (sha256, url, kind, first_at, last_at, count) VALUES (?, ?, ?, ?, ?, 1)
    ON CONFLICT (sha256, url) DO UPDATE SET last_at = excluded.last_at, count = count + 1,
      first_at = CASE WHEN kind = excluded.kind THEN first_at ELSE excluded.first_at END, kind = excluded.kind`)
  const drop = db.prepare('DELETE FROM example_image_absences WHERE sha256 = ? AND url = ?')
  const dropAll = db.prepare('DELETE FROM example_image_absences WHERE sha256 = ?')
  return {
    of: (sha256) => new Map(read.all(sha256).map((row) => [row.url, absenceOf(row)])),
    note (sha256, url, kind) {
      // A host that keeps it from us does not say that it is there after all.
      if (kind === 'forbidden' && readOne.get(sha256, url)?.kind === 'not_found') return false
      const at = now()
      put.run(sha256, url, kind, at, at)
      const row = readOne.get(sha256, url)
      return kind !== 'unsupported' && row !== undefined && row.count > 1 && at - row.first_at >= DAY_MS
    },
    isSettled (absence) {
      if (!absence) return false
      // What is kept from us today may be open tomorrow; what can't be shown today can't be shown tomorrow either.
      if (absence.kind === 'forbidden') return false
      return absence.kind === 'unsupported' || (now() >= absence.lastAt && now() - absence.lastAt < DAY_MS)
    },
    forget (sha256, url) {
      if (url === undefined) dropAll.run(sha256)
      else drop.run(sha256, url)
    }
  }
}

function absenceOf ({ kind, first_at: firstAt, last_at: lastAt, count }: Row): Absence {
  return { kind, firstAt, lastAt, count }
}
