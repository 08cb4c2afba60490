import { closeSync } from 'node:fs';
import { check, libc } from './ffi.ts';
import { mountFlags, unmount } from './mount.ts';

const SYS = { openTree: 428, moveMount: 429, mountSetattr: 442 } as const;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const AT_EMPTY_PATH = 0x1000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MOUNT_ATTR_RDONLY = 1n;

/**
 * Binds a host path onto an open file or folder (O_PATH), by descriptors alone: no name below a container's root is
 * looked up twice. The mount is private: nothing of it spreads. `Symbol.dispose` takes it away again, lazily.
 * Needs Linux 5.12. @throws the system error; nothing is mounted then.
 */
export function bindOnto(source: string, target: number, options: { recursive: boolean; readOnly: boolean }) {
  const recursive = options.recursive ? AT_RECURSIVE : 0;
  const open = libc('long syscall(long, int, const char *, unsigned int)');
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive;
  const tree = check(Number(open(SYS.openTree, AT_FDCWD, source, flags)), 'open_tree', source);
  try {
    const attributes = Buffer.alloc(32); // struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attributes.writeBigUInt64LE(options.readOnly ? MOUNT_ATTR_RDONLY : 0n, 0);
    attributes.writeBigUInt64LE(BigInt(mountFlags.private), 16);
    const set = libc('long syscall(long, int, const char *, unsigned int, const void *, size_t)');
    const how = AT_EMPTY_PATH | recursive;
    check(Number(set(SYS.mountSetattr, tree, '', how, attributes, attributes.length)), 'mount_setattr', source);
    const move = libc('long syscall(long, int, const char *, int, const char *, unsigned int)');
    const where = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    check(Number(move(SYS.moveMount, tree, '', target, '', where)), 'move_mount', source);
  } catch (error) {
    closeSync(tree);
    throw error;
  }
  return {
    [Symbol.dispose]() {
      unmount(`/proc/self/fd/${tree}`, { detach: true });
      closeSync(tree);
    },
  };
}
