import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import type { Channel } from '../../formats/channels.ts';
import type { BuildSession } from './sessions.ts';

/**
 * A socket at `file` (in a folder that is there) behind which is an ssh agent of the client: each connection becomes a
 * channel. It goes, and all connections with it, when it is disposed of.
 */
export async function offerAgent(
  session: BuildSession,
  id: string,
  { file, mode, uid, gid }: { file: string; mode: number; uid: number; gid: number },
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // the command's end: `close` tells
    socket.once('close', () => sockets.delete(socket));
    void forward(socket, session.open({ kind: 'agent', id }, signal));
  });
  await listen(server, file);
  fs.chmodSync(file, mode);
  fs.chownSync(file, uid, gid);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
      fs.rmSync(file, { force: true });
    },
  };
}

/** By a descriptor of the folder, since the name of a socket has at most 107 bytes. */
async function listen(server: net.Server, file: string): Promise<void> {
  const folder = fs.openSync(path.dirname(file), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`/proc/self/fd/${folder}/${path.basename(file)}`, resolve);
    });
  } finally {
    fs.closeSync(folder);
  }
}

async function forward(socket: net.Socket, channel: Channel): Promise<void> {
  await using _channel = channel;
  const there = (async () => {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) await channel.write(chunk as Buffer);
    await channel.end();
  })();
  const back = (async () => {
    for (let chunk = await channel.read(); chunk; chunk = await channel.read())
      if (!socket.write(chunk))
        await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve));
    socket.end();
  })();
  // whichever way breaks, the command sees a closed connection
  await Promise.all([there, back]).catch(() => socket.destroy());
}
