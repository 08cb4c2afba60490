import type { Database, Migration } from './database.ts';

/**
 * The intent journal. An operation that changes the world outside the database (a mount, a namespace, a
 * process, a firewall rule) writes down what it is about to do, does it, and strikes the entry out together
 * with recording the result. What is found in the journal at start was cut off half-way: the restart hands
 * each entry to the `recover` function of its kind, which finishes or undoes it. Recovering is idempotent,
 * since the engine may be killed while it recovers.
 */
export interface Intent<Payload = unknown> {
  readonly id: number;
  /** Which operation: `container.start`, `container.remove`, `image.pull`, ... */
  readonly kind: string;
  /** The id of the object it works on. */
  readonly subject: string;
  readonly payload: Payload;
}

export interface Journal {
  /** Records an intent. It is in the file when this returns. */
  begin<Payload>(kind: string, subject: string, payload: Payload): Intent<Payload>;
  /** Strikes an intent out. Call it inside the transaction that records the result. Idempotent. */
  done(intent: Intent): void;
  /** The intents that are still open, oldest first. */
  pending(): Intent[];
}

export const journalMigrations: readonly Migration[] = [
  {
    domain: 'journal',
    version: 1,
    sql: `CREATE TABLE intents (
      id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL,
      payload TEXT NOT NULL, begun TEXT NOT NULL) STRICT`,
  },
];

export function openJournal(database: Database): Journal {
  return {
    begin(kind, subject, payload) {
      const row = database.get(
        'INSERT INTO intents (kind, subject, payload, begun) VALUES (?, ?, ?, ?) RETURNING id',
        kind,
        subject,
        JSON.stringify(payload ?? null),
        new Date().toISOString(),
      );
      return { id: Number(row!['id']), kind, subject, payload };
    },
    done: (intent) => void database.run('DELETE FROM intents WHERE id = ?', intent.id),
    pending: () =>
      database.all('SELECT * FROM intents ORDER BY id').map((row) => ({
        id: Number(row['id']),
        kind: String(row['kind']),
        subject: String(row['subject']),
        payload: JSON.parse(String(row['payload'])) as unknown,
      })),
  };
}
