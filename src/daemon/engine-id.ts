import { randomUUID } from 'node:crypto';
import type { Database, Migration } from '../base/database.ts';

export const engineMigrations: readonly Migration[] = [
  {
    domain: 'engine',
    version: 1,
    sql: 'CREATE TABLE engine (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID',
  },
];

/** The engine's id: made at its first start, kept with its state. Links, rules and tables are named after it. */
export function engineId(database: Database): string {
  database.run("INSERT OR IGNORE INTO engine VALUES ('id', ?)", randomUUID());
  return String(database.get("SELECT value FROM engine WHERE key = 'id'")!['value']);
}
