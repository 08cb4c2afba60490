import type { Database, Migration } from '../base/database.ts';
import type { Logger } from '../base/log.ts';
import type { Health } from './health-state.ts';

/** Beside the container's state, since it is written at every probe. It goes with the container. */
export const healthMigrations: readonly Migration[] = [
  {
    domain: 'container-health',
    version: 1,
    sql: `CREATE TABLE container_health (
      container TEXT PRIMARY KEY REFERENCES containers (id) ON DELETE CASCADE, health TEXT NOT NULL) STRICT`,
  },
];

export function loadHealth(database: Database): Map<string, Health> {
  const rows = database.all('SELECT container, health FROM container_health');
  return new Map(rows.map((row) => [String(row['container']), JSON.parse(String(row['health'])) as Health]));
}

/** What cannot be written, since the disk is full, is known to this engine alone. */
export function saveHealth(database: Database, log: Logger, id: string, health: Health): void {
  try {
    database.run('INSERT OR REPLACE INTO container_health VALUES (?, ?)', id, JSON.stringify(health));
  } catch (error) {
    log.warn('the health of a container cannot be saved', { container: id, error });
  }
}
