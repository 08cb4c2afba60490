import type { Database } from '../../base/database.ts';
import type { NameDirectory } from './contract.ts';

/** Answers kept at a time. Names that nobody has are kept too, and a container may ask for any number of them. */
const most = 2000;

/**
 * A directory that looks each name up once, until something is committed: asking SQLite whether anything was takes a
 * fifth of a look-up. `database` is a connection that only reads, since it does not count what it commits itself.
 */
export function rememberAnswers(database: Database, directory: NameDirectory): NameDirectory {
  const kept = new Map<string, unknown>();
  let asOf: unknown;
  const remember =
    <T>(kind: string, look: (containerId: string, what: string) => T) =>
    (containerId: string, what: string): T => {
      const now = database.get('PRAGMA data_version')?.['data_version'];
      if (now !== asOf || kept.size >= most) kept.clear();
      asOf = now;
      const key = `${kind} ${containerId} ${what}`;
      if (kept.has(key)) return kept.get(key) as T;
      const found = look(containerId, what);
      kept.set(key, found);
      return found;
    };
  return { lookup: remember('name', directory.lookup), reverse: remember('address', directory.reverse) };
}
