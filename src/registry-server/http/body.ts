import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { TugError } from '../../base/errors.ts';

/**
 * The body of a request, as a stream of its own: where a reader gives up, what is still to come is thrown away, and the
 * connection stays for the answer, which would be lost with it. It fails where the client goes away before its end.
 */
export function bodyStream(request: IncomingMessage): Readable {
  const body = new Readable({
    highWaterMark: 256 * 1024,
    read: () => void request.resume(),
    destroy(error, done) {
      request.off('data', take);
      request.resume();
      done(error);
    },
  });
  const take = (chunk: Buffer): void => {
    if (!body.push(chunk)) request.pause();
  };
  request.on('data', take);
  request.once('end', () => body.push(null));
  const gone = (): void => {
    if (!request.complete) body.destroy(new TugError('cancelled', 'the client went away before the end of its body'));
  };
  request.once('error', gone);
  request.once('close', gone);
  if (request.destroyed) gone();
  return body;
}

/** Bytes and milliseconds that are spent on what is left of a body that nobody wants. */
const leftover = { bytes: 64 * 1024 * 1024, milliseconds: 10_000 };

/**
 * Waits until what is left of a body has come, within bounds: a connection that is closed before would take the answer
 * with it, as clients send on until they have seen it.
 */
export function drainBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.complete || request.destroyed) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, leftover.milliseconds);
    let seen = 0;
    request.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen > leftover.bytes) resolve();
    });
    request.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    request.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
    request.resume();
  });
}
