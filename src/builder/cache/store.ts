import type { Database, Migration, Row } from '../../base/database.ts';
import { newId } from '../../base/ids.ts';
import type { Leases } from '../../base/leases.ts';
import type { StepInputs } from './inputs.ts';

export const buildMigrations: readonly Migration[] = [
  {
    domain: 'build',
    version: 1,
    sql: `CREATE TABLE build_cache (
      key TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, layer TEXT, parent TEXT, size INTEGER NOT NULL,
      description TEXT NOT NULL, created TEXT NOT NULL, used TEXT NOT NULL, uses INTEGER NOT NULL) STRICT;
      CREATE INDEX build_cache_by_layer ON build_cache (layer);
      CREATE TABLE build_digests (key TEXT PRIMARY KEY, digest TEXT NOT NULL, used TEXT NOT NULL) STRICT, WITHOUT ROWID`,
  },
  {
    domain: 'build',
    version: 2,
    sql: 'CREATE TABLE build_inputs (slot TEXT PRIMARY KEY, latest TEXT NOT NULL, used TEXT NOT NULL) STRICT, WITHOUT ROWID',
  },
];

/** A step that was done. */
export interface CacheRecord {
  /** Of what the step does and of what it works on. */
  readonly key: string;
  readonly id: string;
  /** `layer`: a step's; `image`: when an image's configuration was first made; `mount`: a folder of `--mount=type=cache`. */
  readonly kind: 'layer' | 'image' | 'mount';
  /** The chain-id of the layer it made; undefined where it changed no file. */
  readonly layer: string | undefined;
  /** The chain-id that it stands on. */
  readonly parent: string | undefined;
  /** Bytes. */
  readonly size: number;
  readonly description: string;
  /** RFC 3339. */
  readonly created: string;
  readonly used: string;
  readonly uses: number;
}

export interface CacheStore {
  find(key: string): CacheRecord | undefined;
  /** Records a step in place of an earlier one of its key, with a lease on its layer, in one transaction. */
  put(record: Pick<CacheRecord, 'key' | 'kind' | 'layer' | 'parent' | 'size' | 'description' | 'created'>): CacheRecord;
  /** Notes that it was used. */
  touch(record: CacheRecord): void;
  setSize(id: string, size: number): void;
  forget(record: CacheRecord): void;
  all(): CacheRecord[];
  /** Digests of what steps took from layers, which are long to find. */
  digest(key: string): string | undefined;
  putDigest(key: string, digest: string): void;
  /** What the step at a place in Dockerfiles worked on the last times, the latest first. */
  inputs(slot: string): StepInputs[];
  putInputs(slot: string, inputs: StepInputs): void;
  /** Drops digests and inputs that are older. RFC 3339. */
  dropDigests(before: string): void;
}

/** How many times back. */
const keptInputs = 4;

const holderOf = (id: string): string => `build-cache:${id}`;

export function createCacheStore(deps: { readonly database: Database; readonly leases: Leases }): CacheStore {
  const { database, leases } = deps;
  const find = (key: string): CacheRecord | undefined => {
    const row = database.get('SELECT * FROM build_cache WHERE key = ?', key);
    return row && recordOf(row);
  };
  const inputs = (slot: string): StepInputs[] => {
    const row = database.get('SELECT latest FROM build_inputs WHERE slot = ?', slot);
    return row ? (JSON.parse(String(row['latest'])) as StepInputs[]) : [];
  };
  const forget = ({ id }: CacheRecord): void =>
    database.transaction(() => {
      database.run('DELETE FROM build_cache WHERE id = ?', id);
      leases.release(holderOf(id));
    });
  return {
    find,
    forget,
    put({ key, kind, layer, parent, size, description, created }) {
      const id = newId();
      database.transaction(() => {
        const before = find(key);
        if (before) forget(before);
        database.run(
          'INSERT INTO build_cache VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
          ...[key, id, kind, layer ?? null, parent ?? null, size, description, created, new Date().toISOString(), 1],
        );
        if (layer !== undefined) leases.acquire('object', holderOf(id), 'snapshot', layer);
      });
      return { key, id, kind, layer, parent, size, description, created, used: created, uses: 1 };
    },
    touch: ({ id }) =>
      void database.run('UPDATE build_cache SET used = ?, uses = uses + 1 WHERE id = ?', new Date().toISOString(), id),
    setSize: (id, size) => void database.run('UPDATE build_cache SET size = ? WHERE id = ?', size, id),
    all: () => database.all('SELECT * FROM build_cache ORDER BY used DESC, id').map(recordOf),
    digest(key) {
      const row = database.get('SELECT digest FROM build_digests WHERE key = ?', key);
      return row && String(row['digest']);
    },
    putDigest: (key, digest) =>
      void database.run('INSERT OR REPLACE INTO build_digests VALUES (?, ?, ?)', key, digest, new Date().toISOString()),
    inputs,
    putInputs(slot, now) {
      const latest = JSON.stringify([now, ...inputs(slot)].slice(0, keptInputs));
      database.run('INSERT OR REPLACE INTO build_inputs VALUES (?, ?, ?)', slot, latest, new Date().toISOString());
    },
    dropDigests(before) {
      database.run('DELETE FROM build_digests WHERE used < ?', before);
      database.run('DELETE FROM build_inputs WHERE used < ?', before);
    },
  };
}

function recordOf(row: Row): CacheRecord {
  const text = (name: string): string => String(row[name]);
  const optional = (name: string): string | undefined => (row[name] == null ? undefined : text(name));
  return {
    ...{ key: text('key'), id: text('id'), kind: text('kind') as CacheRecord['kind'] },
    ...{ layer: optional('layer'), parent: optional('parent'), size: Number(row['size']) },
    ...{ description: text('description'), created: text('created'), used: text('used'), uses: Number(row['uses']) },
  };
}
