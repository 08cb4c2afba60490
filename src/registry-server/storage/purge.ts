import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { RegistryConfig } from '../config/schema.ts';
import type { StorageDriver } from '../contract.ts';
import { isRepositoryName, isUploadId, repositoriesRoot, uploadFolder, uploadsFolder } from './paths.ts';

type Purging = RegistryConfig['storage']['maintenance']['uploadpurging'];

/** Removes uploads that nobody finished, every `interval` and once soon after the start. Disposing waits for its end. */
export function keepPurging(storage: StorageDriver, purging: Purging, log: Logger): AsyncDisposable {
  let round = Promise.resolve();
  let ended = false;
  const empty = new Set<string>();
  const begin = (): void => {
    round = round.then(async () => {
      try {
        await purgeUploads(storage, purging, log, empty, () => ended);
      } catch (error) {
        log.error('uploads could not be purged', { error });
      }
    });
  };
  const timers = purging.enabled ? [setTimeout(begin, 1000), setInterval(begin, purging.interval)] : [];
  for (const timer of timers) timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      ended = true;
      for (const timer of timers) clearTimeout(timer);
      await round;
    },
  };
}

/**
 * One round. May be repeated, and ended anywhere.
 * @param empty folders that the rounds before found without a file: an upload that begins at this moment has one like it.
 */
export async function purgeUploads(
  storage: StorageDriver,
  { age, dryrun }: Pick<Purging, 'age' | 'dryrun'>,
  log: Logger,
  empty: Set<string>,
  ended: () => boolean = () => false,
): Promise<void> {
  for await (const name of listNames(storage, '')) {
    for await (const id of storage.list(uploadsFolder(name))) {
      if (ended()) return;
      if (!isUploadId(id)) continue;
      const last = await lastTouched(storage, name, id);
      if (last === undefined ? !empty.delete(id) && empty.add(id) : Date.now() - last.getTime() < age) continue;
      log.info(dryrun ? 'an abandoned upload would be removed' : 'removing an abandoned upload', { name, id });
      if (!dryrun) await unlessRefused(() => storage.remove(uploadFolder(name, id)), { name, id }, log);
    }
  }
  for await (const { name, remove } of storage.abandoned?.(new Date(Date.now() - age)) ?? []) {
    if (ended()) return;
    log.info(dryrun ? 'what a killed process left would be removed' : 'removing what a killed process left', { name });
    if (!dryrun) await unlessRefused(remove, { name }, log);
  }
}

async function unlessRefused(remove: () => Promise<void>, what: Record<string, string>, log: Logger): Promise<void> {
  try {
    await remove();
  } catch (error) {
    log.warn(`an abandoned upload stays: ${messageOf(error)}`, what);
  }
}

/** When bytes came last; undefined for a folder without anything that an upload has. */
async function lastTouched(storage: StorageDriver, name: string, id: string): Promise<Date | undefined> {
  const folder = uploadFolder(name, id);
  const files = [await storage.stat(`${folder}/data`), await storage.stat(`${folder}/startedat`)];
  const times = files.flatMap((file) => (file ? [file.modified.getTime()] : []));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

/** Every folder that is a repository's or one above it: uploads may be the first thing that a repository has. */
async function* listNames(storage: StorageDriver, parent: string): AsyncIterable<string> {
  const folder = parent === '' ? repositoriesRoot : `${repositoriesRoot}/${parent}`;
  for await (const part of storage.list(folder)) {
    const name = parent === '' ? part : `${parent}/${part}`;
    if (part.startsWith('_') || !isRepositoryName(name)) continue;
    yield name;
    yield* listNames(storage, name);
  }
}
