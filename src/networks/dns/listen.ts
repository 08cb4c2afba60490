import dgram from 'node:dgram';
import net from 'node:net';
import { createFrames, frame } from './frames.ts';
import type { Transport } from './respond.ts';

/** What to send back for a packet; undefined for nothing. Never throws, never rejects. */
export type Responder = (packet: Buffer, over: Transport) => Buffer | undefined | Promise<Buffer | undefined>;

/** Sockets on which a sandbox is answered. */
export interface Listening {
  /** Closes them and all connections. Idempotent. */
  close(): void;
}

const mostConnections = 64;
/** Questions of one connection that may be on their way; more wait unread. */
const mostAtOnce = 16;
/** Milliseconds without a byte after which a connection ends. */
const idle = 10_000;

/** Answers on a bound UDP and a listening TCP socket, which it takes over. */
export function listen(sockets: { udp: number; tcp: number }, respond: Responder): Listening {
  const udp = answerDatagrams(sockets.udp, respond);
  const tcp = answerStreams(sockets.tcp, respond);
  return {
    close() {
      udp.close();
      tcp.close();
    },
  };
}

function answerDatagrams(fd: number, respond: Responder): Listening {
  const lookup: NonNullable<dgram.SocketOptions['lookup']> = (address, _options, done) => done(null, address, 4);
  const socket = dgram.createSocket({ type: 'udp4', lookup }).bind({ fd, exclusive: true });
  let open = true;
  // An answer that cannot be sent is one that was lost on the way: its client asks again.
  socket.on('error', () => {});
  socket.on('message', (packet, { port, address }) => {
    const send = (answer: Buffer | undefined): void => {
      if (answer && open && port !== 0) socket.send(answer, port, address);
    };
    const answer = respond(packet, 'udp');
    if (answer instanceof Promise) void answer.then(send);
    else send(answer);
  });
  return {
    close() {
      if (open) socket.close();
      open = false;
    },
  };
}

function answerStreams(fd: number, respond: Responder): Listening {
  const connections = new Set<net.Socket>();
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    answerStream(socket, respond);
  });
  server.maxConnections = mostConnections;
  server.on('error', () => {}); // out of descriptors: those that wait are accepted later
  server.listen({ fd, exclusive: true });
  return {
    close() {
      server.close();
      for (const socket of connections) socket.destroy();
    },
  };
}

function answerStream(socket: net.Socket, respond: Responder): void {
  let underWay = 0;
  let ended = false;
  const goOn = (): void => {
    if (ended && underWay === 0) socket.end();
    else if (underWay < mostAtOnce && !socket.writableNeedDrain) socket.resume();
  };
  const settle = (answer: Buffer | undefined): void => {
    underWay -= 1;
    if (socket.destroyed) return;
    if (answer) socket.write(frame(answer));
    goOn();
  };
  const read = createFrames((packet) => {
    underWay += 1;
    const answer = respond(packet, 'tcp');
    if (answer instanceof Promise) void answer.then(settle);
    else settle(answer);
    if (underWay >= mostAtOnce || socket.writableNeedDrain) socket.pause();
  });
  socket.on('data', read);
  socket.on('drain', goOn);
  socket.on('end', () => {
    ended = true;
    goOn();
  });
  socket.on('error', () => {}); // the client went away
  socket.setTimeout(idle, () => socket.destroy());
}
