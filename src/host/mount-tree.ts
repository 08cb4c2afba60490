import { closeSync, openSync } from 'node:fs';
import { errnoOf, unsupported } from '../base/errors.ts';
import { check, libc } from './ffi.ts';
import { mountFlags, unmount } from './mount.ts';

const SYS = { openTree: 428, moveMount: 429, mountSetattr: 442 } as const;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const AT_EMPTY_PATH = 0x1000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MOUNT_ATTR_RDONLY = 1n;
const MOUNT_ATTR_IDMAP = 0x0010_0000n;

export interface BindOptions {
  readonly recursive: boolean;
  readonly readOnly: boolean;
  /** A descriptor of a user namespace: what is id N on the disk is seen as that namespace's N (mount_setattr(2), MOUNT_ATTR_IDMAP). */
  readonly userNamespace?: number;
}

/**
 * Binds a folder or file with its ids shifted as a user namespace has them, and without the mounts below it. It stays until
 * `unmount`. @throws unsupported where the kernel or the file system cannot, the system error.
 */
export function bindMapped(source: string, target: string, userNamespace: number): void {
  const place = openSync(target, O_PATH);
  try {
    closeSync(attach(source, place, { recursive: false, readOnly: false, userNamespace }));
  } catch (cause) {
    if (!['EINVAL', 'ENOSYS', 'EPERM'].includes(errnoOf(cause) ?? '')) throw cause;
    throw unsupported(
      `user namespaces: the ids of the file system at ${source} cannot be mapped by this kernel (it takes Linux 5.19 and ext4, xfs, btrfs or another file system with idmapped mounts)`,
      { cause },
    );
  } finally {
    closeSync(place);
  }
}

/**
 * Binds a host path onto an open file or folder (O_PATH), by descriptors alone: no name below a container's root is
 * looked up twice. The mount is private: nothing of it spreads. `Symbol.dispose` takes it away again, lazily.
 * Needs Linux 5.12. @throws the system error; nothing is mounted then.
 */
export function bindOnto(source: string, target: number, options: BindOptions) {
  const tree = attach(source, target, options);
  return {
    [Symbol.dispose]() {
      unmount(`/proc/self/fd/${tree}`, { detach: true });
      closeSync(tree);
    },
  };
}

/** Returns a descriptor of the mount. */
function attach(source: string, target: number, options: BindOptions): number {
  const recursive = options.recursive ? AT_RECURSIVE : 0;
  const open = libc('long syscall(long, int, const char *, unsigned int)');
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive;
  const tree = check(Number(open(SYS.openTree, AT_FDCWD, source, flags)), 'open_tree', source);
  try {
    const attributes = Buffer.alloc(32); // struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    const mapped = options.userNamespace === undefined ? 0n : MOUNT_ATTR_IDMAP;
    attributes.writeBigUInt64LE((options.readOnly ? MOUNT_ATTR_RDONLY : 0n) | mapped, 0);
    attributes.writeBigUInt64LE(BigInt(mountFlags.private), 16);
    attributes.writeBigUInt64LE(BigInt(options.userNamespace ?? 0), 24);
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
  return tree;
}
