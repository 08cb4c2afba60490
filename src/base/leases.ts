import type { Database, Migration } from './database.ts';

/**
 * Leases keep content from being collected while something needs it. A holder is a container, a running pull,
 * a load or a build; a resource is an image (`sha256:...` of its config), a blob or a snapshot (chain-id).
 * A lease of kind `operation` belongs to work of this engine process and ends with it: the restart drops what
 * a killed engine left. One of kind `object` lives until its holder is removed.
 */
export type LeasedResource = 'image' | 'blob' | 'snapshot';

export interface Leases {
  /** Idempotent. Call it in the transaction that records the holder. */
  acquire(kind: 'operation' | 'object', holder: string, resource: LeasedResource, key: string): void;
  /** Ends all leases of a holder. Idempotent. */
  release(holder: string): void;
  isLeased(resource: LeasedResource, key: string): boolean;
  /** The holders of a resource, for messages such as "image is being used by ...". */
  holders(resource: LeasedResource, key: string): string[];
  /** Everything of that resource kind that is leased: the garbage collector's roots. */
  keys(resource: LeasedResource): Set<string>;
  /** Drops the `operation` leases that an earlier engine process left. Call once at start. */
  dropOperations(): number;
}

export const leaseMigrations: readonly Migration[] = [
  {
    domain: 'leases',
    version: 1,
    sql: `CREATE TABLE leases (
      holder TEXT NOT NULL, kind TEXT NOT NULL, resource TEXT NOT NULL, key TEXT NOT NULL,
      PRIMARY KEY (holder, resource, key)) STRICT, WITHOUT ROWID;
      CREATE INDEX leases_by_key ON leases (resource, key)`,
  },
];

export function openLeases(database: Database): Leases {
  return {
    acquire: (kind, holder, resource, key) =>
      void database.run('INSERT OR IGNORE INTO leases VALUES (?, ?, ?, ?)', holder, kind, resource, key),
    release: (holder) => void database.run('DELETE FROM leases WHERE holder = ?', holder),
    isLeased: (resource, key) =>
      database.get('SELECT 1 FROM leases WHERE resource = ? AND key = ? LIMIT 1', resource, key) !== undefined,
    holders: (resource, key) =>
      database
        .all('SELECT holder FROM leases WHERE resource = ? AND key = ?', resource, key)
        .map((row) => String(row['holder'])),
    keys: (resource) =>
      new Set(
        database.all('SELECT DISTINCT key FROM leases WHERE resource = ?', resource).map((row) => String(row['key'])),
      ),
    dropOperations: () => database.run("DELETE FROM leases WHERE kind = 'operation'"),
  };
}
