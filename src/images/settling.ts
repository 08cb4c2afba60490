import { type Clock, systemClock } from '../base/clock.ts';
import { crashPoint } from '../base/crash-points.ts';
import type { Database, Migration } from '../base/database.ts';
import type { Logger } from '../base/log.ts';

export const settlingMigrations: readonly Migration[] = [
  {
    domain: 'settling',
    version: 1,
    sql: `CREATE TABLE unsettled (
      kind TEXT NOT NULL CHECK (kind IN ('blob', 'layer')), key TEXT NOT NULL, session TEXT NOT NULL,
      PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID`,
  },
];

/**
 * What images are made of is recorded before it is on the disk, and noted as unsettled in the same transaction; a
 * sync of the file system follows by itself, and strikes the notes out. An engine that is killed loses nothing, since
 * the kernel writes on; after a power cut the notes say what `repair.ts` has to look at.
 */
export interface Settling {
  /** Notes a blob (by digest) or a layer (by chain-id). Call it in the transaction that records it. */
  note(kind: Unsettled['kind'], key: string): void;
  /** What is noted, blobs first. */
  pending(): Unsettled[];
  strike(item: Unsettled): void;
  /** Resolves when all that was noted before is on the disk. @throws the system error when the disk cannot take it; the notes stay. */
  flush(): Promise<void>;
  /**
   * Puts syncing by itself off while layers are being unpacked, which it would slow down; ten seconds after the first
   * note it comes all the same. Call what it returns, once, when they are.
   */
  hold(): () => void;
  /** Ends syncing by itself; resolves when what runs has ended. */
  close(): Promise<void>;
}

export interface Unsettled {
  readonly kind: 'blob' | 'layer';
  readonly key: string;
  /** True when the kernel that took it still runs, so that a sync settles it. */
  readonly held: boolean;
}

/** Milliseconds from the last note to the sync, and the most from the first: an image that comes is not held up by it. */
const quiet = 500;
const longest = 10_000;

/**
 * `session` is a name for as long as what the kernel holds of the data root's file systems is not lost; `sync` writes
 * that to the disk.
 */
export function createSettling(deps: {
  database: Database;
  session: string;
  sync: () => Promise<void>;
  log: Logger;
  clock?: Clock;
}): Settling {
  const { database, session, log, clock = systemClock } = deps;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let closed = false;

  const settle = async (): Promise<void> => {
    if (closed) return;
    const noted = rows(database).filter(({ held }) => held === session);
    if (noted.length === 0) return;
    await deps.sync();
    crashPoint('image.settle.synced');
    if (closed) return;
    database.transaction(() => {
      for (const { kind, key } of noted) remove(database, kind, key);
    });
  };
  const start = (): Promise<void> => {
    next = undefined;
    const run = settle().finally(() => {
      if (running === run) running = undefined;
    });
    running = run;
    return run;
  };
  /** A sync that runs may have begun before the last note. */
  const flush = (): Promise<void> => {
    if (!running) return start();
    next ??= running.then(start, start);
    return next;
  };
  let timer: Disposable | undefined;
  let since = 0;
  let holders = 0;
  const soon = (): void => {
    if (closed) return;
    if (timer) timer[Symbol.dispose]();
    else since = clock.now();
    const wait = Math.min(holders > 0 ? longest : quiet, since + longest - clock.now());
    timer = clock.setTimer(wait, () => {
      timer = undefined;
      crashPoint('image.settle.due');
      flush().catch((error: unknown) => log.error('images are not on the disk: it does not take them', { error }));
    });
  };

  return {
    note(kind, key) {
      database.run('INSERT OR REPLACE INTO unsettled VALUES (?, ?, ?)', kind, key, session);
      soon();
    },
    pending: () => rows(database).map(({ kind, key, held }) => ({ kind, key, held: held === session })),
    strike: ({ kind, key }) => remove(database, kind, key),
    flush,
    hold() {
      holders += 1;
      return () => {
        holders -= 1;
        if (timer) soon();
      };
    },
    async close() {
      closed = true;
      timer?.[Symbol.dispose]();
      await Promise.allSettled([running, next]);
    },
  };
}

function rows(database: Database): { kind: Unsettled['kind']; key: string; held: string }[] {
  return database.all('SELECT kind, key, session FROM unsettled ORDER BY kind, key').map((row) => ({
    kind: row['kind'] === 'blob' ? 'blob' : 'layer',
    key: String(row['key']),
    held: String(row['session']),
  }));
}

const remove = (database: Database, kind: string, key: string): void =>
  void database.run('DELETE FROM unsettled WHERE kind = ? AND key = ?', kind, key);
