import type { IncomingMessage } from 'node:http';
import { countBuffer } from '../base/buffer-garbage.ts';
import { TugError } from '../base/errors.ts';
import { connectionError } from './errors.ts';
import { cancelled, type HttpResponse } from './transport.ts';

/**
 * The bytes of an answer as they come; the sender is held back while the reader is busy. Leaving the loop
 * early closes the connection.
 * @throws unavailable `connection-cut` when the connection ends before the body does; cancelled.
 */
export async function* bodyChunks(answer: HttpResponse, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      countBuffer(chunk.length); // what was read from the connection, of which the chunk is a copy
      yield chunk;
    }
  } catch (error) {
    if (signal.aborted) throw cancelled(signal);
    throw error instanceof TugError ? error : connectionError(error, answer.url);
  } finally {
    answer.body.destroy();
  }
}

/** A whole body. @throws unavailable with code `answer-too-large` when it is over `limit` bytes; as `bodyChunks`. */
export async function readBody(answer: HttpResponse, limit: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(answer, signal)) {
    size += chunk.length;
    if (size > limit) {
      throw new TugError('unavailable', `registry ${answer.url.host} answered with more than ${limit} bytes`, {
        code: 'answer-too-large',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The start of an error answer, for its text; never throws, since the status says enough. */
export async function readErrorText(answer: HttpResponse, signal: AbortSignal): Promise<string> {
  try {
    return (await readBody(answer, 64 * 1024, signal)).toString();
  } catch {
    return '';
  }
}

/** Lets go of an answer whose body does not matter; a short one is read so that the connection can be used again. */
export function discardBody(body: IncomingMessage): void {
  body.on('error', () => {});
  if (Number(body.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= 64 * 1024) body.resume();
  else body.destroy();
}
