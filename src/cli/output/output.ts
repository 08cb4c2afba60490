import { write } from 'node:fs';
import { errnoOf } from '../../base/errors.ts';

/** Standard output or standard error. */
export interface Output {
  readonly fd: number;
  readonly isTerminal: boolean;
  /** Columns of the terminal, or undefined when it is none. */
  readonly columns: number | undefined;
  /**
   * Writes everything, in order with earlier calls, and resolves when the reader has taken it.
   * @throws OutputClosed when the reader has gone.
   */
  write(data: string | Uint8Array): Promise<void>;
}

/** The reader of standard output has gone (EPIPE; ECONNRESET of a socket; EIO of a terminal): the command ends quietly, as one killed by SIGPIPE would. */
export class OutputClosed extends Error {}

/**
 * Standard output (1) or error (2). The terminal's module is loaded only when somebody asks whether it is one: it
 * is a part of the program's start that most commands need not pay.
 */
export function standardOutput(fd: 1 | 2): Output {
  let terminal: boolean | undefined;
  return createOutput(fd, () => {
    terminal ??= process.getBuiltinModule('node:tty').isatty(fd);
    return terminal ? ((fd === 1 ? process.stdout : process.stderr).columns ?? 80) : undefined;
  });
}

/** @param size gives the terminal's columns, or undefined when `fd` is no terminal. */
export function createOutput(fd: number, size: () => number | undefined): Output {
  let queue: Promise<void> = Promise.resolve();
  return {
    fd,
    get isTerminal() {
      return size() !== undefined;
    },
    get columns() {
      return size();
    },
    write(data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data;
      const done = queue.then(() => writeAll(fd, bytes));
      queue = done.catch(() => {});
      return done;
    },
  };
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += await writeSome(fd, bytes, offset);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EPIPE' || errno === 'ECONNRESET' || errno === 'EIO')
        throw new OutputClosed('the reader of the output has gone');
      if (errno !== 'EAGAIN') throw error;
      // Another program has set the shared descriptor to non-blocking; nothing announces room in it to a plain write.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

function writeSome(fd: number, bytes: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });
}
