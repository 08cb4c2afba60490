import type { ServerResponse } from 'node:http';
import { TugError } from '../../base/errors.ts';
import type { ResponseStream } from './exchange.ts';

const ready = Promise.resolve();

/**
 * A response as a stream that obeys back-pressure. The head is sent with the first bytes, or by `flush`; an
 * error before that can still be answered as one. `headers` are alternating names and values.
 */
export function responseStream(response: ServerResponse, headers: readonly string[], status: number): ResponseStream {
  response.statusCode = status;
  for (let at = 0; at < headers.length; at += 2) response.setHeader(headers[at]!, headers[at + 1]!);
  return {
    response,
    write(data) {
      if (response.destroyed || response.socket === null) return Promise.reject(gone());
      return response.write(data) ? ready : drained(response);
    },
    flush: () => response.flushHeaders(),
    end: () => void response.end(),
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = (): void => {
      response.off('close', onClose);
      resolve();
    };
    const onClose = (): void => {
      response.off('drain', onDrain);
      reject(gone());
    };
    response.once('drain', onDrain);
    response.once('close', onClose);
  });
}

const gone = (): TugError => new TugError('cancelled', 'the client went away');
