import { errnoOf } from '../base/errors.ts';
import { check, libc } from './ffi.ts';

/** Sets an extended attribute of the file itself, not of what a link points to. @throws the system error. */
export function setXattr(path: string | Buffer, name: string, value: Uint8Array): void {
  const call = libc('int lsetxattr(const void *, const char *, const void *, size_t, int)');
  check(
    call(cString(path), name, value.length === 0 ? Buffer.alloc(1) : value, value.length, 0),
    'lsetxattr',
    String(path),
  );
}

/** The attribute's value, or undefined when the file has none of that name or its file system has no attributes. */
export function getXattr(path: string | Buffer, name: string): Buffer | undefined {
  const call = libc('long lgetxattr(const void *, const char *, _Out_ void *, size_t)');
  const value = Buffer.allocUnsafe(65536);
  try {
    const length = check(Number(call(cString(path), name, value, value.length)), 'lgetxattr', String(path));
    return Buffer.from(value.subarray(0, length));
  } catch (error) {
    if (['ENODATA', 'EOPNOTSUPP', 'ENOTSUP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Names of all attributes of the file itself. */
export function listXattrs(path: string | Buffer): string[] {
  const call = libc('long llistxattr(const void *, _Out_ void *, size_t)');
  const names = Buffer.allocUnsafe(65536);
  const length = check(Number(call(cString(path), names, names.length)), 'llistxattr', String(path));
  return names.toString('utf8', 0, length).split('\0').filter(Boolean);
}

/** A path as a NUL-terminated buffer, since names need not be UTF-8. */
export function cString(path: string | Buffer): Buffer {
  return Buffer.concat([typeof path === 'string' ? Buffer.from(path) : path, Buffer.from([0])]);
}
