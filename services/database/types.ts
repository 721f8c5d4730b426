import type { Database } from 'better-sqlite3'

/** `modelshelf/state.sqlite`: backed up, migrated, never wiped. Owners add their tables through `migrate`. */
export interface StateDatabase {
  readonly db: Database
  /** Runs the steps of one owner that have not run yet, in order, in one transaction each. A step once released never changes. */
  migrate (owner: string, steps: readonly string[]): void
  close (): void
}
