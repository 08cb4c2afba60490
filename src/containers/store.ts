import type { Database, Migration } from '../base/database.ts';
import { conflict, invalid, notFound } from '../base/errors.ts';
import { type ContainerRecord, initialState, type RecordedState } from './record.ts';

export const containerMigrations: readonly Migration[] = [
  {
    domain: 'containers',
    version: 1,
    sql: `CREATE TABLE containers (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition TEXT NOT NULL, state TEXT NOT NULL) STRICT`,
  },
  {
    // the networks of a container are all in `endpoints` by their names, its mode's among them
    domain: 'containers',
    version: 2,
    sql: `UPDATE containers SET definition = json_set(definition, '$.endpoints',
        json_object('bridge', json(definition -> '$.endpoints.default')))
        WHERE definition -> '$.endpoints.default' IS NOT NULL;
      UPDATE containers SET definition = json_set(definition, '$.endpoints',
        json_object(coalesce(nullif(definition ->> '$.host.NetworkMode', 'default'), 'bridge'), json('{}')))
        WHERE definition -> '$.endpoints' = '{}' AND definition ->> '$.host.NetworkMode' NOT LIKE 'container:%'`,
  },
];

/**
 * The containers there are: SQLite is the truth, and memory holds the same, so that reads cost nothing.
 * Writes go to the database first.
 */
export interface ContainerStore {
  all(): ContainerRecord[];
  get(id: string): ContainerRecord | undefined;
  /** By id, name (with or without its slash) or unambiguous short id. @throws not-found, invalid for an ambiguous one. */
  resolve(reference: string): ContainerRecord;
  /** @throws conflict when the name is taken (Docker's sentence). */
  requireFree(name: string): void;
  /** @throws conflict when the name is taken (Docker's sentence). */
  add(record: ContainerRecord): void;
  /** @throws conflict when the name is taken (Docker's sentence). */
  rename(record: ContainerRecord, name: string): void;
  /** Records what an update changes of a container's definition. */
  redefine(record: ContainerRecord, change: Partial<Omit<ContainerRecord, 'id' | 'name' | 'state'>>): void;
  setState(record: ContainerRecord, change: Partial<RecordedState>): void;
  /** Idempotent. */
  delete(id: string): void;
}

export function openContainerStore(database: Database): ContainerStore {
  const byId = new Map<string, ContainerRecord>();
  const idByName = new Map<string, string>();
  for (const row of database.all('SELECT definition, state FROM containers')) {
    const definition = JSON.parse(String(row['definition'])) as Omit<ContainerRecord, 'state'>;
    const record = {
      ...definition,
      state: { ...initialState, ...(JSON.parse(String(row['state'])) as RecordedState) },
    };
    byId.set(record.id, record);
    idByName.set(record.name, record.id);
  }

  const requireFree = (name: string): void => {
    const owner = idByName.get(name);
    if (owner !== undefined) throw nameTaken(name, owner);
  };
  return {
    all: () => [...byId.values()],
    get: (id) => byId.get(id),
    resolve: (reference) => resolve(reference, byId, idByName),
    requireFree,
    add(record) {
      requireFree(record.name);
      const { state, ...definition } = record;
      database.run(
        'INSERT INTO containers (id, name, definition, state) VALUES (?, ?, ?, ?)',
        record.id,
        record.name,
        JSON.stringify(definition),
        JSON.stringify(state),
      );
      byId.set(record.id, record);
      idByName.set(record.name, record.id);
      database.onRollback(() => {
        byId.delete(record.id);
        idByName.delete(record.name);
      });
    },
    rename(record, name) {
      requireFree(name);
      const { state: _state, ...definition } = record;
      const text = JSON.stringify({ ...definition, name });
      database.run('UPDATE containers SET name = ?, definition = ? WHERE id = ?', name, text, record.id);
      const before = record.name;
      idByName.delete(before);
      idByName.set(name, record.id);
      record.name = name;
      database.onRollback(() => {
        idByName.delete(name);
        idByName.set(before, record.id);
        record.name = before;
      });
    },
    redefine(record, change) {
      const { state: _state, ...definition } = record;
      const text = JSON.stringify({ ...definition, ...change });
      database.run('UPDATE containers SET definition = ? WHERE id = ?', text, record.id);
      Object.assign(record, change);
      database.onRollback(() => Object.assign(record, { changes: undefined, mounts: undefined }, definition));
    },
    setState(record, change) {
      const state = { ...record.state, ...change };
      database.run('UPDATE containers SET state = ? WHERE id = ?', JSON.stringify(state), record.id);
      const before = record.state;
      record.state = state;
      database.onRollback(() => {
        record.state = before;
      });
    },
    delete(id) {
      const record = byId.get(id);
      database.run('DELETE FROM containers WHERE id = ?', id);
      if (!record) return;
      byId.delete(id);
      idByName.delete(record.name);
      database.onRollback(() => {
        byId.set(id, record);
        idByName.set(record.name, id);
      });
    },
  };
}

function resolve(reference: string, byId: Map<string, ContainerRecord>, idByName: Map<string, string>) {
  const exact = byId.get(reference) ?? byId.get(idByName.get(reference.replace(/^\//, '')) ?? '');
  if (exact) return exact;
  if (reference === '') throw invalid('no container name or ID supplied');
  const matches = /^[0-9a-f]+$/.test(reference) ? [...byId.values()].filter(({ id }) => id.startsWith(reference)) : [];
  if (matches.length > 1) throw invalid(`Multiple IDs found with provided prefix: ${reference}`);
  const [match] = matches;
  if (!match) throw notFound(`No such container: ${reference.slice(0, 128)}`, { code: 'no-such-container' });
  return match;
}

function nameTaken(name: string, owner: string) {
  return conflict(
    `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
    { code: 'name-in-use' },
  );
}
