import { errnoOf } from '../base/errors.ts';
import { check, libc } from './ffi.ts';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * Where an open file of `size` bytes holds data, in order (lseek(2)); what lies between are holes. Undefined when it
 * has none, when the file system cannot tell, or when there are more than `most` segments.
 */
export function dataSegments(
  fd: number,
  size: number,
  most = 10_000,
): { readonly offset: number; readonly length: number }[] | undefined {
  const segments: { offset: number; length: number }[] = [];
  for (let at = 0; at < size; ) {
    const start = seek(fd, at, SEEK_DATA);
    if (start === undefined || start >= size) break;
    const end = Math.min(seek(fd, start, SEEK_HOLE) ?? size, size);
    segments.push({ offset: start, length: end - start });
    if (segments.length > most) return undefined;
    at = end;
  }
  const [first] = segments;
  return first?.offset === 0 && first.length === size ? undefined : segments;
}

/** Undefined beyond the last data. */
function seek(fd: number, offset: number, whence: number): number | undefined {
  try {
    return check(Number(libc('long lseek(int, long, int)')(fd, offset, whence)), 'lseek');
  } catch (error) {
    if (errnoOf(error) === 'ENXIO') return undefined;
    if (errnoOf(error) === 'EINVAL') return whence === SEEK_DATA ? offset : undefined; // all of it is data
    throw error;
  }
}
