import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { createLogger } from '../../base/log.ts';
import { createActivity } from './activity.ts';
import { createRouter, type Handlers } from './router.ts';
import { createApiServer } from './server.ts';

/** An answer as a test looks at it. */
export interface TestAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  json<T = { message: string }>(): T;
}

/** For tests: an API server with the handlers given, on a socket in a folder of its own. */
export interface TestServer extends AsyncDisposable {
  readonly socketPath: string;
  readonly logged: string[];
  request(method: string, url: string, body?: unknown, headers?: http.OutgoingHttpHeaders): Promise<TestAnswer>;
  /** A bare connection, for what an HTTP client would not send. */
  connect(): net.Socket;
}

export async function startTestServer(handlers: Handlers): Promise<TestServer> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-http-'));
  const socketPath = path.join(folder, 's');
  const logged: string[] = [];
  const log = createLogger({ level: 'debug', write: (line) => void logged.push(line) });
  const server = createApiServer({ router: createRouter(handlers), log, activity: createActivity() });
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket) => void sockets.add(socket));
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    logged,
    request: (method, url, body, headers) => request(socketPath, method, url, body, headers),
    connect() {
      const socket = net.connect({ path: socketPath, allowHalfOpen: true });
      sockets.add(socket);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await fs.rm(folder, { recursive: true, force: true });
    },
  };
}

function request(
  socketPath: string,
  method: string,
  url: string,
  body: unknown,
  headers: http.OutgoingHttpHeaders = {},
): Promise<TestAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<TestAnswer>();
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const type = body === undefined || raw ? {} : { 'content-type': 'application/json' };
  const client = http.request({ socketPath, method, path: url, headers: { ...type, ...headers } }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('latin1');
      const json = <T>() => JSON.parse(text) as T;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
    });
  });
  client.on('error', reject);
  if (body === undefined) client.end();
  else client.end(raw ? body : JSON.stringify(body));
  return promise;
}

/** Reads a connection until what came fits, or it ends. */
export async function readUntil(socket: net.Socket, pattern: RegExp | 'end'): Promise<string> {
  let text = '';
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) text += chunk.toString('latin1');
    if (pattern !== 'end' && pattern.test(text)) return text;
    if (chunk !== null) continue;
    if (socket.readableEnded || socket.destroyed) return text;
    await new Promise<void>((resolve) => {
      for (const event of ['readable', 'end', 'close', 'error']) socket.once(event, () => resolve());
    });
  }
}
