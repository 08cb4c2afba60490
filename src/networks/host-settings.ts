import type { Database } from '../base/database.ts';
import { readSysctl, writeSysctl } from '../host/sysctl.ts';

/** Settings of the whole host that the engine had to change, with what they were, so that they can be put back. */
export interface HostSettings {
  /** Sets a kernel setting; its first value found is remembered, also over restarts. */
  change(name: string, value: string): void;
  /** Puts one back to what it was, and forgets it. Nothing when it was never changed. */
  restore(name: string): void;
  /** What was changed and not put back. */
  changed(): { readonly name: string; readonly before: string; readonly now: string }[];
}

/** Needs `networkMigrations`. */
export function createHostSettings(database: Database): HostSettings {
  return {
    change(name, value) {
      const before = writeSysctl(name, value);
      if (before !== value) database.run('INSERT OR IGNORE INTO host_settings VALUES (?, ?)', name, before);
    },
    changed: () =>
      database.all('SELECT * FROM host_settings ORDER BY name').map((row) => {
        const name = String(row['name']);
        return { name, before: String(row['before']), now: readSysctl(name) ?? '' };
      }),
    restore(name) {
      const row = database.get('SELECT before FROM host_settings WHERE name = ?', name);
      if (!row) return;
      writeSysctl(name, String(row['before']));
      database.run('DELETE FROM host_settings WHERE name = ?', name);
    },
  };
}
