import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { check, libc } from './ffi.ts';
import { mount, mountFlags, unmount } from './mount.ts';

const CLONE_NEWNET = 0x40000000;
const ownNamespace = '/proc/thread-self/ns/net';

/**
 * Makes a network namespace, or takes the one of the descriptor `made`, pins it at `file` (made here) so that it lives without a process, runs `work`
 * inside and returns what that returned. `work` must be synchronous: everything happens in one turn of the
 * event loop on the calling thread, since a thread or child process that libuv starts in between would
 * stay in that namespace. When `work` throws, the namespace is removed again.
 * A SIGKILL in between leaves at most an empty file or a pinned namespace at `file`.
 * @throws the system error of unshare(2), mount(2) or setns(2); EEXIST when `file` exists.
 */
export function createNetworkNamespace<T>(file: string, work: () => T, made?: number): T {
  closeSync(openSync(file, 'wx', 0o444));
  try {
    return awayFromHome(() => {
      if (made === undefined) check(libc('int unshare(int)')(CLONE_NEWNET), 'unshare', file);
      else enter(made, file);
      mount(ownNamespace, file, '', mountFlags.bind);
      return work();
    });
  } catch (error) {
    deleteNetworkNamespace(file);
    throw error;
  }
}

/**
 * Runs synchronous `work` inside the network namespace at `file` (a pin, or `/proc/PID/ns/net`).
 * Sockets it opens belong to that namespace. @throws ENOENT when there is none; whatever `work` throws.
 */
export function insideNetworkNamespace<T>(file: string, work: () => T): T {
  const target = openSync(file, 'r');
  try {
    return awayFromHome(() => {
      enter(target, file);
      return work();
    });
  } finally {
    closeSync(target);
  }
}

/** Unpins a namespace and removes its file. It ends with the last process and socket in it. Idempotent. */
export function deleteNetworkNamespace(file: string): void {
  while (unmount(file, { detach: true })) {}
  rmSync(file, { force: true });
}

/** Runs `work`, which changes the thread's network namespace, and returns to the one before. */
function awayFromHome<T>(work: () => T): T {
  const home = openSync(ownNamespace, 'r');
  try {
    return work();
  } finally {
    try {
      enter(home, ownNamespace);
    } catch (error) {
      // This thread's next socket or child process would be the container's: nothing that follows could be right.
      writeFileSync(2, `tugd: cannot return to its own network namespace: ${String(error)}\n`);
      process.abort();
    } finally {
      closeSync(home);
    }
  }
}

function enter(fd: number, name: string): void {
  check(libc('int setns(int, int)')(fd, CLONE_NEWNET), 'setns', name);
}
