import { existsSync, watch } from 'node:fs';
import path from 'node:path';

/** conmon makes the file `oom` when the kernel tells it of a kill. See `Monitor.watchMemory`. */
export function watchMemory(folder: string, seen: () => void): Disposable {
  let told = false;
  const look = (): void => {
    if (told || !existsSync(path.join(folder, 'oom'))) return;
    told = true;
    watcher.close();
    seen();
  };
  const watcher = watch(folder, { persistent: false }, (_, name) => {
    if (name === 'oom') look();
  });
  watcher.on('error', () => watcher.close()); // the folder is gone, and the container with it
  look();
  return { [Symbol.dispose]: () => watcher.close() };
}
