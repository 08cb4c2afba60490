import * as fs from 'node:fs';
import { callInPool, systemError } from './ffi.ts';

/** By device: the call that runs, and the one that will follow it for all who asked meanwhile. */
const running = new Map<number, { readonly current: Promise<void>; next: Promise<void> | undefined }>();

/**
 * syncfs(2): writes everything that is dirty on the file system of `path` to the disk, in a thread of the
 * pool, since it may take long. Callers that come while it runs share the next call, so that there is never more than
 * one of a file system: each takes a thread of the few that all file access goes through. Idempotent.
 * @throws the system error; ENOSPC or EIO when earlier writes could not be carried out.
 */
export function syncFileSystem(path: string): Promise<void> {
  const fd = fs.openSync(path, 'r');
  const device = fs.fstatSync(fd).dev;
  return enqueue(device, () => call(fd, path)).finally(() => fs.closeSync(fd));
}

/** As `syncFileSystem`, once for each file system that the paths lie on. */
export async function syncFileSystems(paths: readonly string[]): Promise<void> {
  const byDevice = new Map(paths.map((path) => [fs.statSync(path).dev, path]));
  await Promise.all([...byDevice.values()].map(syncFileSystem));
}

function enqueue(device: number, work: () => Promise<void>): Promise<void> {
  const before = running.get(device);
  if (before) {
    before.next ??= before.current.catch(() => {}).then(() => begin(device, work));
    return before.next;
  }
  return begin(device, work);
}

function begin(device: number, work: () => Promise<void>): Promise<void> {
  const entry = { current: work(), next: undefined };
  running.set(device, entry);
  const end = (): void => {
    if (running.get(device) === entry && entry.next === undefined) running.delete(device);
  };
  entry.current.then(end, end);
  return entry.current;
}

async function call(fd: number, path: string): Promise<void> {
  const { errno } = await callInPool('int syncfs(int)', fd);
  if (errno !== 0) throw systemError(errno, 'syncfs', path);
}
