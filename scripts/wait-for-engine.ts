import { watch } from 'node:fs';
import * as http from 'node:http';
import * as path from 'node:path';
import { errnoOf, TugError } from '../src/base/errors.ts';

/**
 * Resolves when an engine answers `/_ping` on the unix socket. Waits on changes in the socket's folder, which must
 * exist. @throws unavailable after `timeout` milliseconds, or the signal's reason when it fires first.
 */
export async function waitForEngine(socket: string, timeout: number, cancelled?: AbortSignal): Promise<void> {
  const expired = AbortSignal.timeout(timeout);
  const signal = cancelled ? AbortSignal.any([expired, cancelled]) : expired;
  let wake = (): void => {};
  const watcher = watch(path.dirname(socket), () => wake());
  signal.addEventListener('abort', () => wake());
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const answer = await ping(socket);
      if (answer === 'ok') return;
      if (cancelled?.aborted) throw cancelled.reason;
      if (expired.aborted) throw new TugError('unavailable', `no engine answered on ${socket} within ${timeout} ms`);
      // refused: between bind(2), which makes the file, and listen(2), which makes no event
      await (answer === 'refused' ? new Promise((resolve) => setTimeout(resolve, 5)) : changed);
    }
  } finally {
    watcher.close();
  }
}

/** Asks once. `absent`: no socket there; `refused`: a socket on which nobody accepts. @throws any other failure. */
export function ping(socket: string): Promise<'ok' | 'absent' | 'refused'> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath: socket, path: '/_ping', agent: false }, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve('ok');
      else reject(new TugError('unavailable', `${socket} answered /_ping with status ${response.statusCode}`));
    });
    request.on('error', (error) => {
      const code = errnoOf(error);
      if (code === 'ENOENT') resolve('absent');
      else if (code === 'ECONNREFUSED' || code === 'ECONNRESET') resolve('refused');
      else reject(error);
    });
  });
}
