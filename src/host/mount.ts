import { readFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { check, libc } from './ffi.ts';

/** mount(2) flags. */
export const mountFlags = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  bind: 4096,
  move: 8192,
  recursive: 16384,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
} as const;

const MNT_DETACH = 2;

/** mount(2). `data` is the file system's option string, at most 4095 bytes. @throws the system error. */
export function mount(source: string, target: string, type: string, flags = 0, data = ''): void {
  const call = libc('int mount(const char *, const char *, const char *, unsigned long, const char *)');
  check(call(source, target, type, flags, data), 'mount', target);
}

/** umount2(2); lazily with `detach`. Returns false when nothing is mounted there. */
export function unmount(target: string, options: { detach?: boolean } = {}): boolean {
  try {
    check(libc('int umount2(const char *, int)')(target, options.detach ? MNT_DETACH : 0), 'umount2', target);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A line of /proc/self/mountinfo (proc(5)), with the octal escapes undone. */
export interface MountEntry {
  readonly target: string;
  readonly root: string;
  readonly type: string;
  readonly source: string;
  readonly options: string;
  readonly superOptions: string;
}

/** All mounts of this process's namespace, or those at and below `prefix`. */
export function listMounts(prefix?: string): MountEntry[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(
    ({ target }) => prefix === undefined || target === prefix || target.startsWith(`${prefix}/`),
  );
}

/** Parses /proc/PID/mountinfo. Lines that are none are left out. */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ');
    if (left === undefined || right === undefined) continue;
    const [, , , root = '', target = '', options = ''] = left.split(' ');
    const [type = '', source = '', superOptions = ''] = right.split(' ');
    entries.push({
      root: unescapeOctal(root),
      target: unescapeOctal(target),
      options,
      type,
      source: unescapeOctal(source),
      superOptions,
    });
  }
  return entries;
}

const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
