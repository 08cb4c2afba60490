import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Logger } from '../../base/log.ts';
import { familyOf } from '../../host/firewall-ports.ts';
import type { PublishedPort } from '../driver-contract.ts';

/** How long a client that says nothing, and is told nothing, is remembered. */
const QUIET_MILLISECONDS = 90_000;
/** Beyond, the client that was heard of first is forgotten: whoever forges senders shall not fill the memory. */
const MOST_CLIENTS = 1024;

interface Client {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
}

/**
 * Carries datagrams that arrive at the bound socket `fd` to a container, with a socket of its own for each client,
 * by which the answers come back. Takes `fd` over. Dispose stops it and forgets all clients.
 */
export function startDatagramRelay(fd: number, port: PublishedPort, log: Logger): Disposable {
  const clients = new Map<string, Client>();
  const kindOf = (ip: string) => (familyOf(ip).ip === 'ip' ? 'udp4' : 'udp6');
  const outer = createSocket(kindOf(port.hostIp));

  const forget = (key: string): void => {
    const client = clients.get(key);
    if (!client) return;
    clients.delete(key);
    clearTimeout(client.timer);
    client.socket.close();
  };
  const welcome = (key: string, { address, port: clientPort }: RemoteInfo): Client => {
    const [first] = clients.keys();
    if (clients.size >= MOST_CLIENTS && first !== undefined) forget(first);
    const socket = createSocket(kindOf(port.containerIp));
    const timer = setTimeout(() => forget(key), QUIET_MILLISECONDS).unref();
    socket.on('error', () => {}); // the container's port is closed: the client's next datagram tries again
    socket.on('message', (answer, { address: by, port: byPort }) => {
      if (by !== port.containerIp || byPort !== port.containerPort) return;
      timer.refresh();
      outer.send(answer, clientPort, address, () => {});
    });
    const client = { socket, timer };
    clients.set(key, client);
    return client;
  };

  outer.on('error', (error) => log.warn('relaying a published UDP port failed', { port: port.hostPort, error }));
  outer.on('message', (message, from) => {
    const key = `${from.address} ${from.port}`;
    const { socket, timer } = clients.get(key) ?? welcome(key, from);
    timer.refresh();
    socket.send(message, port.containerPort, port.containerIp, () => {});
  });
  outer.bind({ fd });
  outer.unref();
  return {
    [Symbol.dispose]() {
      for (const key of clients.keys()) forget(key);
      outer.close();
    },
  };
}
