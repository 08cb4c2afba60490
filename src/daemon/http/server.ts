import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../base/log.ts';
import type { Activity } from './activity.ts';
import { answerOn, rawStream, upgradedStream } from './hijack.ts';
import type { Router } from './router.ts';
import { commonHeaders, serve } from './serve.ts';

// Imported the usual way it would load Node's fetch and WebSocket with it, for 35 ms of every start.
const http = process.getBuiltinModule('node:http');

/** Routes that end in a raw stream: for these alone an `Upgrade` header is heeded. */
const rawStreamRoutes = /^(?:\/v[\d.]+)?\/(?:containers\/[^/]+\/attach|exec\/[^/]+\/start)(?:\?|$)/;

/** As Go's server, which Docker's clients are used to: request line and headers may have 1 MiB. */
const maxHeaderSize = 1024 * 1024;

/** What the server needs; `router` decides which pages exist. */
export interface ApiServerOptions {
  readonly router: Router;
  readonly log: Logger;
  /** Counts the requests that are being worked on, those that have become streams left out. */
  readonly activity: Activity;
}

/**
 * An HTTP server for the Engine API, not yet listening. Idle connections are kept as long as the client
 * likes, and uploads may take as long as they take. Closing it leaves hijacked connections alone.
 */
export function createApiServer({ router, log, activity }: ApiServerOptions): Server {
  /** Connections that an old client's raw stream will take over, and input that came before it did. */
  const raw = new WeakMap<Socket, { early: Buffer | undefined }>();
  const server = http.createServer({
    keepAliveTimeout: 0,
    requestTimeout: 0,
    noDelay: true,
    maxHeaderSize,
    requireHostHeader: false, // Node would answer without a sentence: `serve` refuses
    shouldUpgradeCallback: (request) => wantsRawStream(request) || wantsWebSocket(request),
  });

  server.on('request', (request, response) => {
    if (raw.has(request.socket)) return; // input for a raw stream that happens to look like HTTP
    const entry = { early: undefined };
    const takesOver = wantsRawStream(request);
    if (takesOver) raw.set(request.socket, entry);
    const hijack = () => rawStream(request, response, entry.early);
    const streams = activity.begin();
    void serve(router, log, request, { response, hijack, streams }).then(() => {
      streams();
      if (takesOver && response.headersSent) raw.delete(request.socket);
    });
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const stream = upgradedStream(socket as Socket, head);
    const streams = activity.begin();
    void serve(router, log, request, { response: undefined, hijack: () => stream, streams }).then(streams);
  });
  server.on('connect', (_request, socket: Duplex) => answerMessage(socket as Socket, 404, 'page not found'));
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const text = `${JSON.stringify({ message: `unknown expectation: ${request.headers.expect?.slice(0, 40)}` })}\n`;
    response.writeHead(417, [...jsonHeaders, 'Content-Length', String(Buffer.byteLength(text))]).end(text);
  });
  server.on('clientError', (error: ParseError, socket: Duplex) => {
    const entry = raw.get(socket as Socket);
    if (entry && error.rawPacket) entry.early = error.rawPacket.subarray(error.bytesParsed ?? 0);
    else refuseMalformed(error, socket as Socket);
  });
  return server;
}

function wantsRawStream(request: IncomingMessage): boolean {
  return request.method === 'POST' && rawStreamRoutes.test(request.url ?? '');
}

const webSocketRoute = /^(?:\/v[\d.]+)?\/containers\/[^/]+\/attach\/ws(?:\?|$)/;

const wantsWebSocket = (request: IncomingMessage): boolean =>
  request.method === 'GET' && webSocketRoute.test(request.url ?? '');

interface ParseError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

/** Answers what is not HTTP, or has a head beyond the limit, with 400 and a sentence. */
function refuseMalformed(error: ParseError, socket: Socket): void {
  if (socket.writableEnded) return; // answered already; the rest of it is read only so that the client can read ours
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const message =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? `malformed request: the request line and headers are longer than ${maxHeaderSize} bytes`
      : `malformed request: not HTTP (${error.message})`;
  answerMessage(socket, 400, message);
}

const jsonHeaders: readonly string[] = [...commonHeaders, 'Content-Type', 'application/json'];

function answerMessage(socket: Socket, status: number, message: string): void {
  answerOn(socket, status, jsonHeaders, `${JSON.stringify({ message })}\n`);
}
