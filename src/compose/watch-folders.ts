import { type Dirent, existsSync, type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import * as path from 'node:path';
import { errnoOf, TugError } from '../base/errors.ts';

/**
 * Tells of every file that changes, comes or goes below some folders, by inotify: nothing is polled. Folders that come
 * later are watched too, and what is in them by then is told of.
 * @param tops files or folders. @param leavesOut folders that are not looked into.
 * @returns what ends it. @throws exhausted when the kernel watches no more folders for this user.
 */
export function watchFolders(
  tops: readonly string[],
  leavesOut: (folder: string) => boolean,
  onChange: (file: string) => void,
): Disposable {
  const watchers = new Map<string, FSWatcher>();
  const forget = (folder: string): void => {
    for (const [one, watcher] of watchers) {
      if (one !== folder && !one.startsWith(`${folder}/`)) continue;
      watcher.close();
      watchers.delete(one);
    }
  };
  const begin = (key: string, folder: string, onName: (name: string) => void): void => {
    const watcher = open(folder, (name) => (name === null ? undefined : onName(name)));
    watchers.set(key, watcher);
    watcher.on('error', () => forget(key)); // it was removed
  };
  const add = (folder: string, tell: boolean): void => {
    if (watchers.has(folder)) return;
    begin(folder, folder, (name) => look(path.join(folder, name)));
    // after the watching has begun: what comes in between is told of twice rather than never
    for (const entry of entriesOf(folder)) {
      const file = path.join(folder, entry.name);
      if (!entry.isDirectory()) {
        if (tell) onChange(file);
      } else if (!leavesOut(file)) add(file, tell);
    }
  };
  const look = (file: string): void => {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (!found && !existsSync(path.dirname(file))) return; // the folder's own end, which is told of above it
    if (!found) forget(file);
    if (!found?.isDirectory()) onChange(file);
    else if (!leavesOut(file)) addQuietly(file);
  };
  const addQuietly = (folder: string): void => {
    try {
      add(folder, true);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error; // it went again
    }
  };
  try {
    for (const top of tops) {
      if (lstatSync(top).isDirectory()) add(top, false);
      // a file is watched by its folder: editors put another one in its place
      else begin(top, path.dirname(top), (name) => (name === path.basename(top) ? onChange(top) : undefined));
    }
  } catch (error) {
    for (const watcher of watchers.values()) watcher.close();
    throw error;
  }
  return {
    [Symbol.dispose]: () => {
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

function open(folder: string, onName: (name: string | null) => void): FSWatcher {
  try {
    return watch(folder, (_kind, name) => onName(name));
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC' && errnoOf(error) !== 'EMFILE') throw error;
    throw new TugError(
      'exhausted',
      `${folder} cannot be watched, since too much is watched already: raise the sysctls fs.inotify.max_user_watches and max_user_instances, or name more under "ignore"`,
      { cause: error },
    );
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Gathers what changes together: a batch is what came until nothing more did for a moment. */
export interface Batches<T> {
  add(item: T): void;
  /** The next batch, or undefined when `signal` is aborted. */
  next(signal: AbortSignal): Promise<T[] | undefined>;
}

/** @param quiet milliseconds without anything new that end a batch. @param longest milliseconds that end it anyway. */
export function createBatches<T>(quiet: number, longest: number): Batches<T> {
  let gathered = new Set<T>();
  let began = 0;
  let wake: () => void = () => {};
  let timer: NodeJS.Timeout | undefined;
  let isReady = false;
  const ready = (): void => {
    isReady = true;
    wake();
  };
  return {
    add(item) {
      if (gathered.size === 0) began = performance.now();
      gathered.add(item);
      clearTimeout(timer);
      timer = setTimeout(ready, Math.min(quiet, Math.max(0, began + longest - performance.now())));
    },
    async next(signal) {
      const onAbort = (): void => wake();
      signal.addEventListener('abort', onAbort);
      while (!isReady && !signal.aborted) await new Promise<void>((resolve) => (wake = resolve));
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) {
        clearTimeout(timer);
        return undefined;
      }
      const batch = [...gathered];
      gathered = new Set();
      isReady = false;
      return batch;
    },
  };
}
