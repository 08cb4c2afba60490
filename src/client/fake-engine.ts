import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';

// A small server that speaks Docker's protocol on a unix socket, for the tests of the client and the command line.

export interface FakeRequest {
  readonly method: string;
  /** Without version and query. */
  readonly path: string;
  /** As in the URL: `1.55`, or '' when none was given. */
  readonly version: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export type FakeAnswer =
  | { readonly status: number; readonly json: unknown; readonly headers?: Record<string, string> }
  | {
      readonly status: number;
      readonly chunks: AsyncIterable<string | Buffer>;
      readonly headers?: Record<string, string>;
    }
  /** Takes the connection over with 101, or with the raw 200 of old engines. */
  | { readonly hijack: (socket: Socket, early: Buffer) => void; readonly raw?: boolean };

export type FakeHandler = (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>;

export interface FakeEngine extends AsyncDisposable {
  readonly host: string;
  readonly socketPath: string;
  /** Every request in the order it came. */
  readonly requests: FakeRequest[];
  /** Replaces or adds a handler: `GET /containers/json`, `POST /containers/:id/start`. */
  on(route: string, handler: FakeHandler): void;
}

export async function startFakeEngine(handlers: Readonly<Record<string, FakeHandler>>): Promise<FakeEngine> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-fake-'));
  const socketPath = path.join(folder, 'engine.sock');
  const routes = new Map(Object.entries(handlers));
  const requests: FakeRequest[] = [];
  const sockets = new Set<Socket>();
  const server = http.createServer();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  const answer = async (incoming: http.IncomingMessage): Promise<FakeAnswer> => {
    const request = await readRequest(incoming);
    requests.push(request);
    const handler = findHandler(routes, request);
    return handler ? handler(request) : { status: 404, json: { message: 'page not found' } };
  };
  server.on('request', async (incoming, response) => sendAnswer(await answer(incoming), response));
  server.on('upgrade', async (incoming, socket: Socket, head: Buffer) => {
    upgradeAnswer(await answer(incoming), socket, head);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    host: `unix://${socketPath}`,
    socketPath,
    requests,
    on: (route, handler) => void routes.set(route, handler),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readRequest(incoming: http.IncomingMessage): Promise<FakeRequest> {
  const url = new URL(incoming.url ?? '/', 'http://engine');
  const [, version = '', bare = url.pathname] = /^\/v(\d+\.\d+)(\/.*)$/.exec(url.pathname) ?? [];
  const chunks: Buffer[] = [];
  // An upgraded request's body arrives by its length; node leaves it in the head otherwise.
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? 'GET',
    path: decodeURIComponent(bare),
    version,
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
}

function findHandler(routes: ReadonlyMap<string, FakeHandler>, request: FakeRequest): FakeHandler | undefined {
  const wanted = `${request.method} ${request.path}`;
  for (const [route, handler] of routes) {
    const pattern = new RegExp(`^${route.replace(/:name/g, '.+').replace(/:\w+/g, '[^/]+')}$`);
    if (route === wanted || pattern.test(wanted)) return handler;
  }
  return undefined;
}

async function sendAnswer(answer: FakeAnswer, response: http.ServerResponse): Promise<void> {
  if ('hijack' in answer) {
    const socket = response.socket as Socket;
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n');
    answer.hijack(socket, Buffer.alloc(0));
    return;
  }
  const bare = answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, { 'Content-Type': 'application/json', 'Api-Version': '1.50', ...answer.headers });
  if (bare) response.end();
  else if ('json' in answer) response.end(JSON.stringify(answer.json));
  else {
    response.flushHeaders();
    for await (const chunk of answer.chunks) {
      if (response.destroyed) return;
      response.write(chunk);
    }
    response.end();
  }
}

function upgradeAnswer(answer: FakeAnswer, socket: Socket, head: Buffer): void {
  if ('hijack' in answer) {
    socket.write(
      answer.raw
        ? 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n'
        : 'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
    );
    answer.hijack(socket, head);
    return;
  }
  const text = 'json' in answer ? JSON.stringify(answer.json) : '';
  socket.end(
    `HTTP/1.1 ${answer.status} Error\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}
