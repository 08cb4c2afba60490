import dgram from 'node:dgram';
import net from 'node:net';
import type { DnsQuery } from '../../formats/dns/query.ts';
import { answers } from '../../formats/dns/response.ts';
import { connectTcp, openUdp } from '../../host/inet-socket.ts';
import { insideNetworkNamespace } from '../../host/namespaces.ts';
import type { UpstreamServer } from './contract.ts';
import { createFrames, frame } from './frames.ts';

/** One question to one server, on a socket of its own: its port and its id are what a forger would have to guess. */
export interface Exchange {
  /** Settles once: with the answer, or undefined when this server gives none (unreachable, closed, nonsense over TCP). */
  readonly answer: Promise<Buffer | undefined>;
  /** Ends it; the answer is undefined if there was none yet. Idempotent. */
  cancel(): void;
}

export interface Question {
  /** The query as it came, but for its first two bytes, which are `id`. */
  readonly packet: Buffer;
  readonly query: DnsQuery;
  readonly id: number;
}

/** Sends a question. `namespace` is the file of the sandbox's, for servers that are asked from there. Never throws. */
export function exchange(over: 'udp' | 'tcp', server: UpstreamServer, namespace: string, question: Question): Exchange {
  const { promise: answer, resolve } = Promise.withResolvers<Buffer | undefined>();
  const settle = (packet: Buffer | undefined): void => {
    resolve(packet);
    close?.();
  };
  let close: (() => void) | undefined;
  try {
    close = (over === 'udp' ? askByDatagram : askByStream)(server, namespace, question, settle);
  } catch {
    resolve(undefined); // no such namespace any more, no route, no IPv6: the next server's turn
  }
  return { answer, cancel: () => settle(undefined) };
}

type Settle = (packet: Buffer | undefined) => void;

/** Addresses only: nothing here is ever to be looked up. */
const literal = (
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void => done(null, address, net.isIPv6(address) ? 6 : 4);

function askByDatagram(server: UpstreamServer, namespace: string, { packet, query, id }: Question, settle: Settle) {
  const family = net.isIPv6(server.address) ? 6 : 4;
  const socket = dgram.createSocket({ type: `udp${family}`, lookup: literal as dgram.SocketOptions['lookup'] & {} });
  let open = true;
  const close = (): void => {
    if (open) socket.close();
    open = false;
  };
  socket.on('error', () => settle(undefined));
  socket.on('message', (message) => {
    if (answers(message, query, id)) settle(message);
  });
  try {
    if (server.from === 'container') socket.bind({ fd: insideNetworkNamespace(namespace, () => openUdp(family)) });
    // Connected, so that only this server is heard, and its host's refusal too.
    connectDatagram(socket, server, (error) => {
      if (error) settle(undefined);
      else if (open) socket.send(packet);
    });
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

/** @param done is given the error, such as ENETUNREACH, as Node does without saying so in its types. */
function connectDatagram(socket: dgram.Socket, { port, address }: UpstreamServer, done: (error?: Error) => void): void {
  socket.connect(port, address, done);
}

function askByStream(server: UpstreamServer, namespace: string, { packet, query, id }: Question, settle: Settle) {
  const socket =
    server.from === 'host'
      ? net.connect({ host: server.address, port: server.port })
      : new net.Socket({ fd: insideNetworkNamespace(namespace, () => connectTcp(server.address, server.port)) });
  const read = createFrames((message) => settle(answers(message, query, id) ? message : undefined));
  socket.on('error', () => settle(undefined));
  socket.on('close', () => settle(undefined));
  socket.on('data', read);
  socket.write(frame(packet));
  return () => void socket.destroy();
}
