import { isKind } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { RegistryEvent, StorageDriver } from '../contract.ts';
import { pullsFolder } from '../gc/care-paths.ts';

const hour = 60 * 60_000;
const remembered = 50_000;

const pullFile = (repository: string, digest: string): string =>
  `${pullsFolder}/${repository}/_manifests/${digest.replace(':', '/')}`;

/** When a manifest was last pulled, to the hour, in milliseconds; undefined for one that never was. */
export async function lastPulled(
  storage: StorageDriver,
  repository: string,
  digest: string,
): Promise<number | undefined> {
  try {
    const time = Date.parse(String(await storage.get(pullFile(repository, digest))));
    return Number.isNaN(time) ? undefined : time;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

export const forgetPulls = (storage: StorageDriver, repository: string, digest: string): Promise<void> =>
  storage.remove(pullFile(repository, digest));

/** Keeps the times of pulls; disposing writes those that are not written yet. */
export interface PullRecorder extends AsyncDisposable {
  event(event: RegistryEvent): void;
}

/**
 * Writes the times of pulls every half minute, for each manifest once an hour at most. Killed, it loses those of the
 * last half minute.
 */
export function recordPulls(storage: StorageDriver, log: Logger): PullRecorder {
  /** When each was last written, or is to be written as. */
  const written = new Map<string, number>();
  let waiting = new Map<string, number>();
  const write = async (): Promise<void> => {
    const batch = waiting;
    waiting = new Map();
    for (const [file, time] of batch) await storage.put(file, Buffer.from(new Date(time).toISOString()));
  };
  let round = Promise.resolve();
  const flush = (): Promise<void> => {
    round = round.then(write).catch((error: unknown) => log.warn('times of pulls could not be written', { error }));
    return round;
  };
  const timer = setInterval(flush, 30_000);
  timer.unref();
  return {
    event({ action, target, timestamp }) {
      if (action !== 'pull' || !target.mediaType.includes('json')) return;
      const file = pullFile(target.repository, target.digest);
      const time = Date.parse(timestamp);
      if (time - (written.get(file) ?? 0) < hour) return;
      written.delete(file);
      written.set(file, time);
      waiting.set(file, time);
      if (written.size > remembered) for (const oldest of written.keys()) return void written.delete(oldest);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await flush();
    },
  };
}
