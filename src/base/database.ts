import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { messageOf, unsupported } from './errors.ts';

/** One step of a domain's schema. Steps of a domain run in order, once each; a step is never edited after release. */
export interface Migration {
  readonly domain: string;
  readonly version: number;
  readonly sql: string;
}

export type Row = Record<string, null | number | bigint | string | Uint8Array>;

/**
 * The engine's state: one SQLite file in WAL mode. Calls are synchronous and short; a transaction never spans
 * an await, so one that was begun is either wholly in the file or not at all, also after SIGKILL.
 */
export interface Database extends Disposable {
  /** Runs a statement, prepared once per text. Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** Runs `work` in one immediate transaction; nested calls join the outer one. Rolls back when `work` throws. */
  transaction<T>(work: () => T): T;
  /** For what is kept in memory beside the rows: has `undo` run if the transaction that is open is rolled back. Outside of one it does nothing. */
  onRollback(undo: () => void): void;
}

/**
 * Opens (or creates) the database and brings its schema up to date, each migration in a transaction of its own.
 * A crash between two migrations is continued at the next open.
 * @throws unsupported when the file was written by a newer tug, or is not a database; it is left as it was.
 */
export function openDatabase(file: string, migrations: readonly Migration[]): Database {
  const handle = new DatabaseSync(file);
  configure(handle, file);
  const database = wrap(handle);
  try {
    migrate(database, handle, migrations);
  } catch (error) {
    handle.close();
    throw error;
  }
  return database;
}

/**
 * Opens a database that exists for reading alone, for a thread of its own: it sees what is committed as soon as it
 * is. Close it before the one that writes, which clears the write-ahead log away. @throws the error of SQLite.
 */
export function openDatabaseReader(file: string): Database {
  const handle = new DatabaseSync(file, { readOnly: true });
  handle.exec('PRAGMA busy_timeout=2000');
  return wrap(handle);
}

/** SQLITE_CORRUPT and SQLITE_NOTADB (sqlite.org/rescode.html). */
const damaged = [11, 26];

function configure(handle: DatabaseSync, file: string): void {
  try {
    handle.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=2000');
  } catch (error) {
    handle.close();
    if (!damaged.includes((error as { errcode?: number }).errcode ?? 0)) throw error;
    const what = `the engine's state ${file} is damaged, or no database: ${messageOf(error)}`;
    throw unsupported(`${what}; put back a copy, or move it away and start with an empty state`, { cause: error });
  }
}

function wrap(handle: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>();
  let depth = 0;
  let undos: (() => void)[] = [];
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (!statement) {
      statement = handle.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  return {
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    get: (sql, ...values) => prepare(sql).get(...values) as Row | undefined,
    all: (sql, ...values) => prepare(sql).all(...values) as Row[],
    transaction(work) {
      if (depth > 0) return work();
      handle.exec('BEGIN IMMEDIATE');
      depth += 1;
      try {
        const result = work();
        handle.exec('COMMIT');
        return result;
      } catch (error) {
        if (handle.isTransaction) handle.exec('ROLLBACK'); // on a full disk SQLite has done so itself
        for (const undo of undos.reverse()) undo();
        throw error;
      } finally {
        depth -= 1;
        undos = [];
      }
    },
    onRollback(undo) {
      if (depth > 0) undos.push(undo);
    },
    [Symbol.dispose]: () => {
      statements.clear();
      handle.close();
    },
  };
}

function migrate(database: Database, handle: DatabaseSync, migrations: readonly Migration[]): void {
  handle.exec('CREATE TABLE IF NOT EXISTS schema_versions (domain TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT');
  const domains = new Set(migrations.map((migration) => migration.domain));
  for (const domain of domains) {
    const steps = migrations.filter((step) => step.domain === domain).sort((a, b) => a.version - b.version);
    const newest = steps.at(-1)!.version;
    let have = Number(database.get('SELECT version FROM schema_versions WHERE domain = ?', domain)?.['version'] ?? 0);
    if (have > newest) {
      throw unsupported(`the state of "${domain}" is of schema ${have}, this tugd knows ${newest}: start a newer tugd`);
    }
    for (const step of steps) {
      if (step.version <= have) continue;
      database.transaction(() => {
        handle.exec(step.sql);
        database.run('INSERT OR REPLACE INTO schema_versions VALUES (?, ?)', domain, step.version);
      });
      have = step.version;
    }
  }
}
