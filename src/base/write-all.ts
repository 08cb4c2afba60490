import { writeSync } from 'node:fs';

/** Writes all of it, however little write(2) takes at a time. Without a position it is appended to what was written. @throws the system error. */
export function writeAllSync(fd: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length; ) {
    const at = position === undefined ? null : position + done;
    done += writeSync(fd, bytes, done, bytes.length - done, at);
  }
}
