import { createHash } from 'node:crypto';
import * as net from 'node:net';
import process from 'node:process';
import { errnoOf } from '../base/errors.ts';

/**
 * Holds a project for one command at a time, for this user and engine; another one waits. The lock is a listening
 * socket in the abstract namespace: it is gone with the process that held it, however that ended.
 * @param onWait is called once when somebody else holds it.
 * @param signal gives up waiting.
 */
export async function lockProject(
  engine: string,
  project: string,
  onWait: () => void,
  signal: AbortSignal,
): Promise<Disposable> {
  const key = createHash('sha256')
    .update(`${process.getuid?.() ?? 0} ${engine} ${project}`)
    .digest('hex')
    .slice(0, 32);
  const name = `\0tug-compose-${key}`;
  let told = false;
  for (;;) {
    const held = await tryListen(name);
    if (held) return held;
    if (!told) onWait();
    told = true;
    signal.throwIfAborted();
    await untilReleased(name, signal);
    signal.throwIfAborted();
  }
}

function tryListen(name: string): Promise<Disposable | undefined> {
  return new Promise((resolve, reject) => {
    const waiters = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      waiters.add(socket);
      socket.on('error', () => {}).on('close', () => waiters.delete(socket));
    });
    server.on('error', (error) => (errnoOf(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(name, () => {
      server.unref();
      resolve({
        [Symbol.dispose]: () => {
          server.close();
          for (const socket of waiters) socket.destroy();
        },
      });
    });
  });
}

/** Resolves when the holder has gone. */
function untilReleased(name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(name);
    const done = (): void => {
      signal.removeEventListener('abort', done);
      socket.destroy();
      resolve();
    };
    signal.addEventListener('abort', done);
    socket.on('error', done).on('close', done).resume();
  });
}
