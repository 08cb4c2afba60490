import { connect, type Socket } from 'node:net';
import { type Connection, Received } from './connection.ts';
import type { Endpoint } from './host.ts';
import { openTls } from './tls-socket.ts';

/** Connects over Node's sockets. @throws the system's error when nobody answers. */
export async function connectNode(endpoint: Endpoint): Promise<Connection> {
  const socket = await openSocket(endpoint);
  const received = new Received(socket);
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.on('end', () => received.end());
  socket.on('close', () => received.end());
  const established = endpoint.kind === 'tcp' && endpoint.tls ? 'secureConnect' : 'connect';
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once(established, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
  socket.on('error', (error) => received.fail(error));
  return {
    read: (limit) => received.read(limit),
    readUntil: (mark, limit) => received.readUntil(mark, limit),
    write: (bytes) => writeTo(socket, bytes),
    closeWrite: () => void (socket.destroyed || socket.end()),
    destroy: () => void socket.destroy(),
  };
}

async function openSocket(endpoint: Endpoint): Promise<Socket> {
  if (endpoint.kind === 'unix') return connect({ path: endpoint.path, allowHalfOpen: true });
  if (endpoint.tls) return openTls(endpoint.host, endpoint.port, endpoint.tls);
  return connect({ host: endpoint.host, port: endpoint.port, allowHalfOpen: true, noDelay: true });
}

async function writeTo(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  if (socket.destroyed || !socket.writable || socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.removeListener('drain', done);
      socket.removeListener('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
