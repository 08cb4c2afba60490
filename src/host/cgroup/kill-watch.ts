import { closeSync, existsSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../base/errors.ts';
import { adoptDescriptor } from '../adopted-fd.ts';
import { check, libc } from '../ffi.ts';
import type { KillWatch } from './contract.ts';
import type { CgroupHierarchies } from './detect.ts';
import { readMemory } from './memory.ts';

const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

/** Milliseconds that the kernel has to tell of a group's removal: an idle one takes some twenty. */
const patience = 10_000;

/**
 * See `CgroupDriver.watchKills`. A counter goes with its group, which `crun run` removes before it ends. In v2 the kills
 * of a group count in those above it as well: there the runtime is given a group in the group. In v1 they do not, but
 * eventfds are told (cgroup-v1/memory.rst, "OOM Control").
 */
export function watchKills(hierarchies: CgroupHierarchies, group: string): KillWatch | undefined {
  const counted = async (): Promise<boolean> => (readMemory(hierarchies, group)?.oomKills ?? 0) > 0;
  if (hierarchies.mode === 'v2') return { path: path.join(group, 'work'), happened: counted, [Symbol.dispose]() {} };
  const memory = hierarchies.v1.get('memory');
  if (memory === undefined) return undefined;
  const folder = path.join(memory, group);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(path.join(folder, 'cgroup.event_control'))) return undefined; // a kernel for real time
  using stack = new DisposableStack();
  // The removal is told to both, to the one that was registered last first: by `removed` nothing of `kills` is to come.
  const removed = stack.adopt(eventfd(folder, 'memory.usage_in_bytes', String(2n ** 62n)), closeSync);
  const kills = stack.adopt(eventfd(folder, 'memory.oom_control', ''), closeSync);
  const owned = stack.move();
  return {
    path: group,
    async happened() {
      const before = take(kills); // a kill is told of before its process ends
      if (before === 0) return false;
      if (existsSync(folder)) return await counted();
      await readable(removed);
      return before + take(kills) > 1; // one is the removal
    },
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** An eventfd that the kernel adds to when `file` of the group has something to tell, and when the group is removed. */
function eventfd(folder: string, file: string, more: string): number {
  const fd = check(libc('int eventfd(unsigned int, int)')(0, EFD_CLOEXEC | EFD_NONBLOCK), 'eventfd');
  try {
    const watched = openSync(path.join(folder, file), 'r');
    try {
      writeFileSync(path.join(folder, 'cgroup.event_control'), `${fd} ${watched} ${more}`);
    } finally {
      closeSync(watched);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** How often it was added to since it was read last. */
function take(fd: number): number {
  const count = Buffer.alloc(8);
  try {
    readSync(fd, count);
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') throw error;
  }
  return Number(count.readBigUInt64LE());
}

/** Resolves when it was added to, or the patience is at its end. */
async function readable(fd: number): Promise<void> {
  const copy = check(libc('int dup(int)')(fd), 'dup');
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = adoptDescriptor(copy, { readable: true, writable: false, onRead: () => resolve() });
  const timer = setTimeout(resolve, patience);
  await promise;
  clearTimeout(timer);
  socket.destroy();
}
