import * as net from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, TugError } from '../../base/errors.ts';
import { createPipe } from '../../host/adopted-fd.ts';
import { unpackedStream } from '../../images/archive/unpacked-stream.ts';
import type { FolderArchiver } from '../../volumes/contract.ts';
import { createCopyThreads } from './threads.ts';

/** Waits for both sides. A pipe that broke says nothing: the other side tells why. */
export async function settle([carried, job]: [Promise<void>, Promise<unknown>], gone: AbortSignal): Promise<void> {
  const [carrying, working] = await Promise.allSettled([carried, job]);
  if (gone.aborted) throw gone.reason instanceof TugError ? gone.reason : clientGone(gone.reason);
  if (carrying.status === 'rejected' && !isBrokenPipe(carrying.reason)) throw carrying.reason;
  if (working.status === 'rejected') throw working.reason;
  if (carrying.status === 'rejected') throw carrying.reason;
}

const clientGone = (cause: unknown): TugError => new TugError('cancelled', 'the client went away', { cause });

const isBrokenPipe = (error: unknown): boolean =>
  ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoOf(error) ?? '');

/** Makes tars of folders and folders of tars, as `docker cp` does it: in threads of its own, by descriptors alone. */
export function createFolderArchiver(): FolderArchiver {
  const threads = createCopyThreads();
  return {
    async send(root, into, signal) {
      const [reader, pipe] = createPipe();
      const job = threads.run({ kind: 'read', root, path: '/.', pipe, maps: undefined });
      const source = new net.Socket({ fd: reader, readable: true, writable: false });
      await settle([pipeline(source, into, { signal }), job], signal);
    },
    async receive(root, from, signal) {
      const options = { path: '/', noOverwriteDirNonDir: false, owner: undefined, readOnlyRoot: false, ofRoot: true };
      const [pipe, writer] = createPipe();
      const job = threads.run({ kind: 'write', root, options, pipe, maps: undefined });
      const target = new net.Socket({ fd: writer, readable: false, writable: true });
      const source = Readable.from(unpackedStream(from, signal), { objectMode: false });
      await settle([pipeline(source, target, { signal }), job], signal);
    },
  };
}
