import type { Database } from 'better-sqlite3'

/** `modelshelf/state.sqlite`: backed up, migrated, never wiped. Owners add their tables through `migrate`. */
export interface StateDatabase {
  readonly db: Database
  /** Runs the steps of one owner that have not run yet, in order, in one transaction each. A step once released never changes. */
  migrate (owner: string, steps: readonly string[]): void
  /** Runs work that commits; all that was committed is on the disk when it resolves. The thread does not wait for that. */
  durably<T> (work: () => T): Promise<T>
  /** Commits without waiting for the disk: a power cut may take it back, but never while it keeps what was committed later. */
  withoutWaiting<T> (work: () => T): T
  /** To be called after much was written: keeps the log short without holding up a commit. */
  shortenLog (): void
  close (): void
}
