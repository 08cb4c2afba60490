import dgram from 'node:dgram';
import net from 'node:net';
import { buildQuery, readAnswer } from '../../formats/dns/test-packets.ts';
import { connectTcp, openUdp } from '../../host/inet-socket.ts';
import { insideNetworkNamespace } from '../../host/namespaces.ts';
import { createFrames, frame } from './frames.ts';

export type NameAnswer = ReturnType<typeof readAnswer>;

/** For tests: a client of the name server that a running container has, in its network namespace. */
export interface NameClient extends Disposable {
  /** Asks over UDP, again every 200 ms as resolvers do sooner or later, until an answer comes. */
  ask(name: string, type?: number): Promise<NameAnswer>;
  askOverTcp(name: string, type?: number): Promise<NameAnswer>;
  /** Sends bytes and waits for nothing. */
  send(packet: Buffer): Promise<void>;
}

const server = { address: '127.0.0.11', port: 53 } as const;

/** For tests: a client in the network namespace of that file. */
export function nameClientIn(namespace: string): NameClient {
  const socket = dgram.createSocket('udp4').bind({ fd: insideNetworkNamespace(namespace, () => openUdp(4)) });
  const waiting = new Map<number, (answer: NameAnswer) => void>();
  let lastId = 0;
  socket.on('message', (packet) => {
    const answer = readAnswer(packet);
    waiting.get(answer.id)?.(answer);
  });
  return {
    async ask(name, type = 1) {
      lastId += 1;
      const id = lastId;
      const { promise, resolve } = Promise.withResolvers<NameAnswer>();
      waiting.set(id, resolve);
      const send = (): void => socket.send(buildQuery({ id, name, type }), server.port, server.address, () => {});
      send();
      const again = setInterval(send, 200);
      try {
        return await promise;
      } finally {
        clearInterval(again);
        waiting.delete(id);
      }
    },
    async askOverTcp(name, type = 1) {
      const fd = insideNetworkNamespace(namespace, () => connectTcp(server.address, server.port));
      const connection = new net.Socket({ fd });
      const { promise, resolve, reject } = Promise.withResolvers<NameAnswer>();
      connection.on('error', reject);
      connection.on(
        'data',
        createFrames((packet) => resolve(readAnswer(packet))),
      );
      connection.write(frame(buildQuery({ id: 1, name, type })));
      try {
        return await promise;
      } finally {
        connection.destroy();
      }
    },
    send(packet) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      socket.send(packet, server.port, server.address, (error) => (error ? reject(error) : resolve()));
      return promise;
    },
    [Symbol.dispose]: () => void socket.close(),
  };
}
