import * as fs from 'node:fs';
import type { Socket } from 'node:net';
import { callInPool, check, libc } from './ffi.ts';

/** sendfile(2), in a thread, from where a file's position is to a socket that does not block. */
type Send = (count: number) => Promise<number>;

/** A connection that takes bytes of files without their passing through this process. */
export interface FileSender extends Disposable {
  /**
   * Sends as many bytes from the file's position on as the connection takes at once, and moves the position along.
   * Zero or less where it takes none now, has ended, or the file has.
   */
  readonly send: Send;
}

const F_DUPFD_CLOEXEC = 1030;
const SEEK_SET = 0;

/**
 * Makes a sender for an open file from `start` on; undefined for what is no plain connection. It has a descriptor of
 * the connection of its own, so that no other one comes under its number while a thread uses it.
 */
export function openFileSender(socket: Socket, file: number, start: number): FileSender | undefined {
  const connection = (socket as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd;
  if (connection === undefined || connection < 0 || 'encrypted' in socket) return undefined;
  if (start > 0) check(Number(libc('long lseek(int, long, int)')(file, start, SEEK_SET)), 'lseek');
  const own = check(libc('int fcntl(int, int, ...)')(connection, F_DUPFD_CLOEXEC, 'int', 0), 'fcntl');
  let busy: Promise<unknown> = Promise.resolve();
  const send: Send = (count) => {
    const sent = callInPool('long sendfile(int, int, void *, size_t)', own, file, null, count).then(
      ({ result }) => result,
    );
    busy = sent.catch(() => {});
    return sent;
  };
  return {
    send,
    [Symbol.dispose]: () => void busy.then(() => fs.closeSync(own)),
  };
}
