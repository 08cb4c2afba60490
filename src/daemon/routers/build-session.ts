import { z } from 'zod';
import { countBuffer } from '../../base/buffer-garbage.ts';
import { invalid, TugError } from '../../base/errors.ts';
import type { BuildSessions } from '../../builder/session/sessions.ts';
import { createChannels } from '../../formats/channels.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';

const names = z.array(z.string()).default([]);
const offers = z.object({ contexts: names, agents: names, caches: names, secrets: names });

/** The connection over which a client of a build gives what it is asked for. */
export function buildSessionRoutes(sessions: BuildSessions): Handlers {
  return { BuildSession: (exchange) => serveSession(sessions, exchange) };
}

async function serveSession(sessions: BuildSessions, exchange: Exchange): Promise<undefined> {
  const { query } = exchange;
  const id = query.text('id') ?? '';
  if (!/^[0-9a-f]{16,64}$/.test(id)) throw invalid('a session needs an id of 16 to 64 hexadecimal digits');
  const offered = readOffers(query.text('offers'));
  const { socket, accept } = await exchange.hijack();
  const send = (bytes: Buffer): Promise<void> => {
    if (socket.destroyed || !socket.writable) return Promise.reject(gone());
    if (socket.write(bytes)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        socket.removeListener('drain', done).removeListener('close', done);
        resolve();
      };
      socket.once('drain', done).once('close', done);
    });
  };
  const channels = createChannels(send);
  using _known = sessions.add(id, { ...offered, open: channels.open });
  accept('application/vnd.tug.build-session');
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      countBuffer(chunk.length);
      await channels.feed(chunk);
    }
  } catch (error) {
    if (!socket.destroyed) channels.close(error instanceof TugError ? error : gone(error));
  } finally {
    channels.close(gone());
    socket.destroy();
  }
}

const gone = (cause?: unknown): TugError => new TugError('cancelled', "the build's client is gone", { cause });

function readOffers(text: string | undefined): z.infer<typeof offers> {
  try {
    return offers.parse(JSON.parse(text ?? '{}'));
  } catch (cause) {
    throw invalid('invalid value for query parameter offers', { cause });
  }
}
