import * as fs from 'node:fs/promises';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

/** What a file says, read again when it has changed. */
export interface WatchedFile<T> {
  current(): Promise<T>;
}

/**
 * Reads a file with `parse` now, and again at the first use after it has changed (its inode, size or time did). A
 * change that cannot be read or parsed is told in the log, and what was read before goes on counting.
 * @throws what reading or `parse` throws, the first time.
 */
export async function openWatchedFile<T>(
  file: string,
  parse: (text: string) => T | Promise<T>,
  log: Logger,
): Promise<WatchedFile<T>> {
  const load = async () => {
    const seen = await signOf(file); // before the content: a change between the two is seen next time
    return { seen, value: await parse(await fs.readFile(file, 'utf8')) };
  };
  let held = await load();
  let refused: string | undefined;
  let loading: Promise<void> | undefined;

  const renew = async (): Promise<void> => {
    const seen = await signOf(file).catch((error: unknown) => messageOf(error));
    if (seen === held.seen || seen === refused) return;
    try {
      held = await load();
      refused = undefined;
      log.info('read a changed file', { file });
    } catch (error) {
      refused = seen;
      log.error('a changed file cannot be used, what it said before goes on counting', { file, error });
    }
  };
  return {
    async current() {
      loading ??= renew().finally(() => {
        loading = undefined;
      });
      await loading;
      return held.value;
    },
  };
}

async function signOf(file: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await fs.stat(file, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}
