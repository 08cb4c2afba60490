import { once } from 'node:events';
import * as net from 'node:net';

/** Spreads connections over the backends in turn, as a load balancer before several servers does. */
export interface Balancer extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Called with each stretch of bytes that goes to a backend, and how many have gone there by that connection. */
  onSent: ((backend: string, bytes: number) => void) | undefined;
}

/** Backends are `host:port`; one that refuses a connection is passed over. */
export async function startBalancer(backends: readonly string[]): Promise<Balancer> {
  const open = new Set<net.Socket>();
  let next = 0;
  const balancer = { onSent: undefined as Balancer['onSent'] };
  const keep = (socket: net.Socket): void => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
  };
  const server = net.createServer((client) => {
    keep(client);
    const tryNext = (left: number): void => {
      const backend = backends[next++ % backends.length] ?? '';
      const [host, port] = backend.split(':');
      const socket = net.connect(Number(port), host);
      open.add(socket);
      socket.once('error', () => {
        open.delete(socket);
        if (left > 1 && socket.bytesWritten === 0 && socket.pending) tryNext(left - 1);
        else client.destroy();
      });
      socket.once('connect', () => {
        keep(socket);
        let sent = 0;
        client.on('data', (chunk) => {
          sent += chunk.length;
          balancer.onSent?.(backend, sent);
        });
        client.pipe(socket).pipe(client);
        socket.on('close', () => client.destroy());
        client.on('close', () => socket.destroy());
      });
    };
    tryNext(backends.length);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as net.AddressInfo;
  return Object.assign(balancer, {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  });
}
