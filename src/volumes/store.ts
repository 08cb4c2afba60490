import type { Database, Migration, Row } from '../base/database.ts';

export const volumeMigrations: readonly Migration[] = [
  {
    domain: 'volumes',
    version: 1,
    sql: `CREATE TABLE volumes (
        name TEXT PRIMARY KEY, driver TEXT NOT NULL, created TEXT NOT NULL, labels TEXT NOT NULL,
        options TEXT NOT NULL) STRICT;
      CREATE TABLE volume_users (
        volume TEXT NOT NULL REFERENCES volumes (name) ON UPDATE CASCADE, container_id TEXT NOT NULL,
        PRIMARY KEY (volume, container_id)) STRICT, WITHOUT ROWID;
      CREATE INDEX volumes_of_container ON volume_users (container_id)`,
  },
];

export interface VolumeRecord {
  readonly name: string;
  readonly driver: string;
  /** RFC 3339. */
  readonly created: string;
  /** Null as it was given, which inspect shows. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>>;
}

/** The volumes' state in the database. */
export interface VolumeStore {
  /** By name. */
  all(): VolumeRecord[];
  get(name: string): VolumeRecord | undefined;
  add(record: VolumeRecord): void;
  /** Containers that use it follow. */
  rename(name: string, next: string): void;
  /** Idempotent. @throws the database's error while a container uses it. */
  delete(name: string): void;
  /** Ids of the containers that use a volume. */
  usersOf(name: string): string[];
  /** Names of the volumes that a container uses. */
  usedBy(containerId: string): string[];
  /** Which containers use which volumes. */
  uses(): { volume: string; container: string }[];
  /** Records these as all the volumes of a container. Call it in a transaction. */
  setUses(containerId: string, names: readonly string[]): void;
}

/** Needs `volumeMigrations`. */
export function createVolumeStore(database: Database): VolumeStore {
  return {
    all: () => database.all('SELECT * FROM volumes ORDER BY name').map(recordOf),
    get(name) {
      const row = database.get('SELECT * FROM volumes WHERE name = ?', name);
      return row && recordOf(row);
    },
    add: ({ name, driver, created, labels, options }) =>
      void database.run(
        'INSERT INTO volumes VALUES (?, ?, ?, ?, ?)',
        ...[name, driver, created, JSON.stringify(labels), JSON.stringify(options)],
      ),
    rename: (name, next) => void database.run('UPDATE volumes SET name = ? WHERE name = ?', next, name),
    delete: (name) => void database.run('DELETE FROM volumes WHERE name = ?', name),
    usersOf: (name) =>
      database
        .all('SELECT container_id FROM volume_users WHERE volume = ? ORDER BY container_id', name)
        .map((row) => String(row['container_id'])),
    usedBy: (id) =>
      database.all('SELECT volume FROM volume_users WHERE container_id = ?', id).map((row) => String(row['volume'])),
    uses: () =>
      database
        .all('SELECT * FROM volume_users')
        .map((row) => ({ volume: String(row['volume']), container: String(row['container_id']) })),
    setUses(id, names) {
      database.run('DELETE FROM volume_users WHERE container_id = ?', id);
      for (const name of new Set(names)) database.run('INSERT INTO volume_users VALUES (?, ?)', name, id);
    },
  };
}

function recordOf(row: Row): VolumeRecord {
  return {
    name: String(row['name']),
    driver: String(row['driver']),
    created: String(row['created']),
    labels: JSON.parse(String(row['labels'])) as VolumeRecord['labels'],
    options: JSON.parse(String(row['options'])) as VolumeRecord['options'],
  };
}
