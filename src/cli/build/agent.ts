import * as net from 'node:net';
import { messageOf, TugError } from '../../base/errors.ts';
import type { Channel } from '../../formats/channels.ts';

/** Carries a connection to the ssh agent behind a socket. @throws unavailable when none answers. */
export async function forwardAgent(channel: Channel, path: string): Promise<void> {
  const socket = net.connect({ path, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) =>
      reject(new TugError('unavailable', `the ssh agent does not answer: ${messageOf(error)}`, { cause: error })),
    );
  });
  socket.on('error', () => {}); // an agent that leaves: the stream's end tells
  const there = (async () => {
    for (let chunk = await channel.read(); chunk; chunk = await channel.read()) socket.write(chunk);
    socket.end();
  })();
  const back = (async () => {
    for await (const chunk of socket) await channel.write(chunk as Buffer);
    await channel.end();
  })();
  try {
    await Promise.all([there, back]);
  } finally {
    socket.destroy();
    await Promise.allSettled([there, back]);
  }
}
