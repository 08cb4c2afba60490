import { once } from 'node:events';
import * as net from 'node:net';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { familyOf } from '../../host/firewall-ports.ts';
import { originalDestination } from '../../host/original-destination.ts';
import type { PublishedPort } from '../driver-contract.ts';

/** TCP connections that the firewall redirected to one listening socket, carried to where they were going. */
export interface StreamRelay extends Disposable {
  /** As `PortRelay.listen`. */
  listen(): Promise<number>;
  /** Carries what goes to this port until the result is disposed, which ends its connections. */
  carry(port: PublishedPort): Disposable;
}

interface Target {
  readonly port: PublishedPort;
  readonly open: Set<net.Socket>;
}

export function createStreamRelay(log: Logger): StreamRelay {
  const targets = new Map<string, Target>();
  let listening: Promise<number> | undefined;
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    const target = find(client);
    if (target) carryStream(client, target);
    else client.resetAndDestroy();
  });
  server.on('error', (error) => log.warn('the relay of published ports cannot accept', { error }));

  const find = (client: net.Socket): Target | undefined => {
    try {
      const { ip, port } = originalDestination(client);
      return targets.get(`${ip} ${port}`) ?? targets.get(`${familyOf(ip).any} ${port}`);
    } catch (error) {
      log.debug('a connection to the relay of published ports is not known', { error: messageOf(error) });
      return undefined;
    }
  };

  return {
    listen() {
      listening ??= start(server).catch((error: unknown) => {
        listening = undefined;
        throw error;
      });
      return listening;
    },
    carry(port) {
      const key = `${port.hostIp} ${port.hostPort}`;
      const target: Target = { port, open: new Set() };
      targets.set(key, target);
      return {
        [Symbol.dispose]() {
          if (targets.get(key) === target) targets.delete(key);
          for (const socket of target.open) socket.destroy();
        },
      };
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

async function start(server: net.Server): Promise<number> {
  server.listen({ port: 0, exclusive: true }).unref();
  await once(server, 'listening');
  const address = server.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** Accepts at the bound socket `fd`, which it takes over, and carries what it accepts. Dispose ends all of it. */
export function startStreamRelay(fd: number, port: PublishedPort, log: Logger): Disposable {
  const target: Target = { port, open: new Set() };
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    carryStream(client, target);
  });
  server.on('error', (error) => log.warn('accepting at a published port failed', { port: port.hostPort, error }));
  server.listen({ fd }).unref();
  return {
    [Symbol.dispose]() {
      server.close();
      for (const socket of target.open) socket.destroy();
    },
  };
}

/** Joins a client to the container, both ways, each way to its own end. A failure on either side resets the other. */
function carryStream(client: net.Socket, { port, open }: Target): void {
  const { containerIp: host, containerPort } = port;
  const inner = net.connect({ host, port: containerPort, allowHalfOpen: true, noDelay: true });
  client.setNoDelay(true);
  const both = [
    [client, inner],
    [inner, client],
  ] as const;
  for (const [socket, other] of both) {
    open.add(socket);
    socket.on('error', () => other.resetAndDestroy());
    socket.on('close', () => {
      open.delete(socket);
      if (!other.destroyed && !socket.readableEnded) other.destroy();
    });
  }
  inner.on('connect', () => {
    client.pipe(inner);
    inner.pipe(client);
  });
}
