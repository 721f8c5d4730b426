import type { Database } from 'better-sqlite3'

/** The journal's tables, step by step. */
export const MIGRATIONS = [`
  CREATE TABLE journal_operations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    route TEXT NOT NULL,
    summary TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    units INTEGER NOT NULL,
    files INTEGER NOT NULL,
    undo_of TEXT,
    undone_by TEXT
  );
  CREATE INDEX journal_operations_by_state ON journal_operations (state);
  CREATE TABLE journal_units (
    operation TEXT NOT NULL,
    n INTEGER NOT NULL,
    key TEXT NOT NULL,
    label TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    actions TEXT NOT NULL,
    undoes INTEGER
  );
  CREATE UNIQUE INDEX journal_units_by_operation ON journal_units (operation, n);
  CREATE TABLE journal_contents (operation TEXT NOT NULL, sha256 TEXT NOT NULL, data BLOB NOT NULL);
  CREATE UNIQUE INDEX journal_contents_by_hash ON journal_contents (operation, sha256);
  CREATE TABLE journal_trash (
    operation TEXT NOT NULL,
    n INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    path TEXT NOT NULL,
    original TEXT NOT NULL,
    size INTEGER NOT NULL,
    identity TEXT NOT NULL,
    trashed_at INTEGER NOT NULL,
    state TEXT NOT NULL
  );
  CREATE UNIQUE INDEX journal_trash_by_item ON journal_trash (operation, n);
  CREATE INDEX journal_trash_by_state ON journal_trash (state, trashed_at);
  CREATE TABLE journal_forgotten (id TEXT PRIMARY KEY, forgotten_at INTEGER NOT NULL) WITHOUT ROWID;
`]

/** State of an operation whose intent is not complete yet; nobody but its writer sees it. */
export const PREPARED = 'prepared'

export type Statements = ReturnType<typeof prepareStatements>

/** What every change of a file runs. */
export function prepareStatements (db: Database) {
  return {
    head: db.prepare(`INSERT INTO journal_operations (id, kind, route, summary, state, created_at, units, files, undo_of)
      VALUES (?, ?, ?, ?, '${PREPARED}', ?, ?, 0, ?)`),
    addUnit: db.prepare('INSERT INTO journal_units (operation, n, key, label, state, error, actions, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    keep: db.prepare('INSERT INTO journal_contents (operation, sha256, data) VALUES (?, ?, ?)'),
    setRunning: db.prepare("UPDATE journal_operations SET state = 'running', files = ? WHERE id = ?"),
    setUnit: db.prepare('UPDATE journal_units SET state = ?, error = ? WHERE operation = ? AND n = ?'),
    setActions: db.prepare('UPDATE journal_units SET actions = ? WHERE operation = ? AND n = ?'),
    setUndone: db.prepare("UPDATE journal_units SET state = 'undone' WHERE operation = ? AND n = ?")
  }
}
