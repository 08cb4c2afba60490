import type * as http from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds in which headers have to be there; connections that send them byte by byte end. */
const headersTime = 30_000;
/** Milliseconds that a body, or the reader of an answer, may stand still. */
const stillTime = 120_000;

/** Options of a server that cuts connections without a request when their time has come, and not much later. */
export const prompt = (idleTime: number): http.ServerOptions => ({
  connectionsCheckingInterval: Math.min(headersTime, Math.max(idleTime / 2, 100)),
});

/**
 * Bounds what slow clients can hold: time for headers, and for a standstill on either side, and `idleTime`
 * milliseconds without a request. How long a whole request takes is not bounded, since a blob may be of any size and a
 * line of any speed.
 */
export function boundSlowness(server: http.Server, idleTime: number): void {
  server.headersTimeout = Math.min(headersTime, idleTime);
  server.requestTimeout = 0;
  server.keepAliveTimeout = idleTime;
  const working = new WeakMap<Socket, Work>();
  server.on('request', (request, response) => {
    const { socket } = request;
    const work = { request, response };
    working.set(socket, work);
    socket.setTimeout(stillTime);
    response.once('close', () => {
      if (working.get(socket) === work) working.delete(socket);
    });
  });
  // With a listener, Node leaves what is to be done to it.
  server.on('timeout', (socket: Socket) => {
    const work = working.get(socket);
    if (work?.request.complete && !work.response.headersSent) {
      socket.setTimeout(stillTime); // the registry's own time, such as for hashing
    } else socket.destroy();
  });
}

interface Work {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
}
