import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { OpenRepository, RegistryEvent, StorageDriver } from '../contract.ts';
import { listRepositories } from '../storage/catalog.ts';
import { describeRepository } from './describe.ts';

export interface SearchIndexOptions {
  readonly storage: StorageDriver;
  /** Repositories as they are stored: looking for something fetches nothing. */
  readonly open: OpenRepository;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Found {
  readonly name: string;
  readonly description: string;
}

/**
 * Names and descriptions of all repositories, in memory: read from the storage in the background at the start, and
 * kept up by events. Where the storage is shared with other servers it is read again each hour.
 */
export interface SearchIndex {
  event(event: RegistryEvent): void;
  /** What has the term in its name or description, best first. Takes time by the number of repositories. */
  search(term: string): Found[];
  /** Resolves when all that has happened so far is in it. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Repositories that are known at most. */
const most = 100_000;
const hour = 3_600_000;

export function createSearchIndex({ storage, open, clock, log }: SearchIndexOptions): SearchIndex {
  const descriptions = new Map<string, string>();
  /** Those whose descriptions are to be read. */
  const waiting = new Set<string>();
  let closed = false;
  let timer: Disposable | undefined;
  const drain = async (): Promise<void> => {
    for (const name of waiting) {
      if (closed) return;
      waiting.delete(name);
      const description = await describeRepository(open, name);
      if (description === undefined) descriptions.delete(name);
      else if (descriptions.size < most) descriptions.set(name, description);
    }
  };
  const rebuild = async (): Promise<void> => {
    const gone = new Set(descriptions.keys());
    for await (const name of listRepositories(storage)) {
      if (closed || descriptions.size >= most) break;
      gone.delete(name);
      if (!descriptions.has(name)) descriptions.set(name, '');
      waiting.add(name);
    }
    for (const name of gone) if (!waiting.has(name)) waiting.add(name);
    if (!closed && storage.localPath === undefined) timer = clock.setTimer(hour, () => run(rebuild));
  };
  let running: Promise<void> = Promise.resolve();
  const run = (work: () => Promise<void>): void => {
    running = running
      .then(work)
      .then(drain)
      .catch((error: unknown) => log.error('the index for searches could not be brought up to date', { error }));
  };
  run(rebuild);
  return {
    event({ action, target }) {
      const manifest = target.mediaType !== 'application/octet-stream';
      const news = action === 'push' || action === 'delete' || !descriptions.has(target.repository);
      if (!manifest || !news || waiting.has(target.repository)) return;
      waiting.add(target.repository);
      run(async () => {});
    },
    search: (term) => ranked(descriptions, term.toLowerCase()),
    settled: () => running,
    async close() {
      closed = true;
      timer?.[Symbol.dispose]();
      await running;
    },
  };
}

function ranked(descriptions: ReadonlyMap<string, string>, term: string): Found[] {
  const found: (Found & { readonly rank: number })[] = [];
  for (const [name, description] of descriptions) {
    const rank = rankOf(name, description, term);
    if (rank !== undefined) found.push({ name, description, rank });
  }
  found.sort((one, other) => one.rank - other.rank || (one.name < other.name ? -1 : 1));
  return found;
}

/** Smaller is better; undefined for what does not match. */
function rankOf(name: string, description: string, term: string): number | undefined {
  const last = name.slice(name.lastIndexOf('/') + 1);
  if (name === term || last === term) return 0;
  if (name.startsWith(term) || last.startsWith(term)) return 1;
  if (name.includes(term)) return 2;
  return description.toLowerCase().includes(term) ? 3 : undefined;
}
