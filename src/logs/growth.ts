import { type FSWatcher, statSync, watch } from 'node:fs';

/** Milliseconds between two looks at a file that grows. At the 180 MB/s a monitor writes at most, 9 MB. */
const lookInterval = 50;
/** Looks without a change after which the file counts as quiet. */
const quietLooks = 3;

/** Tells of files that grow, without a cost for each write and without any for those that do not. */
export interface GrowthWatch {
  /** Calls `grown` when the file has become longer, or another; at most once in 50 ms, and soon after the last write. */
  add(file: string, grown: (size: number) => void): { stop(): void };
  close(): void;
}

interface Watched {
  readonly file: string;
  readonly grown: (size: number) => void;
  size: number;
  inode: number;
  /** Looks since the last change. */
  quiet: number;
  watcher: FSWatcher | undefined;
}

/**
 * An inotify watch wakes it for a quiet file's first write, and is put away; while the file grows, a timer that all
 * growing files share looks at its size (5 us each), and when it has been quiet for 150 ms inotify has it again. So a
 * container that writes costs twenty looks a second however much it writes, and one that does not, nothing.
 */
export function createGrowthWatch(): GrowthWatch {
  const active = new Set<Watched>();
  const all = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;

  const look = (watched: Watched): boolean => {
    const stat = statSync(watched.file, { throwIfNoEntry: false });
    if (!stat || (stat.size === watched.size && stat.ino === watched.inode)) return false;
    watched.size = stat.size;
    watched.inode = stat.ino;
    watched.grown(stat.size);
    return true;
  };
  const wake = (watched: Watched): void => {
    watched.watcher?.close();
    watched.watcher = undefined;
    if (!all.has(watched) || active.has(watched)) return;
    watched.quiet = 0;
    active.add(watched);
    timer ??= setInterval(lookAll, lookInterval);
    look(watched);
  };
  const rest = (watched: Watched): void => {
    if (!all.has(watched)) return; // let go of by what it was told
    try {
      watched.watcher = watch(watched.file, () => wake(watched));
      watched.watcher.on('error', () => wake(watched));
    } catch {
      return; // no such file yet, or no inotify watch left: the timer goes on with it
    }
    active.delete(watched);
    if (look(watched)) wake(watched); // written between the last look and the watch
  };
  const lookAll = (): void => {
    for (const watched of [...active]) {
      watched.quiet = look(watched) ? 0 : watched.quiet + 1;
      if (watched.quiet >= quietLooks) rest(watched);
    }
    if (active.size > 0 || !timer) return;
    clearInterval(timer);
    timer = undefined;
  };
  const remove = (watched: Watched): void => {
    all.delete(watched);
    active.delete(watched);
    watched.watcher?.close();
    watched.watcher = undefined;
  };
  return {
    add(file, grown) {
      const watched: Watched = { file, grown, size: 0, inode: 0, quiet: 0, watcher: undefined };
      all.add(watched);
      wake(watched);
      return { stop: () => remove(watched) };
    },
    close() {
      for (const watched of all) remove(watched);
      clearInterval(timer);
      timer = undefined;
    },
  };
}
