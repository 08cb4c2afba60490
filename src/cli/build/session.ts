import { randomBytes } from 'node:crypto';
import { notFound, TugError } from '../../base/errors.ts';
import type { Connection } from '../../client/connection.ts';
import type { Engine } from '../../client/engine.ts';
import { type Channel, createChannels } from '../../formats/channels.ts';
import { forwardAgent } from './agent.ts';
import { sendCacheFile, takeCacheFile } from './caches.ts';
import { type OfferedFolder, sendFolder } from './send-folder.ts';

export interface Offers {
  readonly folders: readonly OfferedFolder[];
  /** By their ids; read when a step asks for them. */
  readonly secrets: ReadonlyMap<string, () => Promise<Buffer>>;
  /** Ids of ssh agents, and their sockets. */
  readonly agents: ReadonlyMap<string, string>;
  /** Folders of caches, by the names that the engine is told. */
  readonly caches: ReadonlyMap<string, string>;
}

export interface ClientSession extends Disposable {
  readonly id: string;
}

/**
 * Opens the connection over which the engine asks for what a build needs, until it is disposed of.
 * @throws not-found when the engine knows no sessions.
 */
export async function openSession(engine: Engine, offers: Offers): Promise<ClientSession> {
  const id = randomBytes(16).toString('hex');
  const [agents, caches, secrets] = [offers.agents, offers.caches, offers.secrets].map((of) => [...of.keys()]);
  const names = { contexts: offers.folders.map(({ name }) => name), agents, caches, secrets };
  const connection = await engine.hijack('POST', '/build/client', { query: { id, offers: JSON.stringify(names) } });
  void serve(connection, offers);
  return { id, [Symbol.dispose]: () => connection.destroy() };
}

async function serve(connection: Connection, offers: Offers): Promise<void> {
  const channels = createChannels(
    (bytes) => connection.write(bytes),
    (head, channel) => void answer(head, channel, offers),
  );
  try {
    for (let chunk = await connection.read(); chunk; chunk = await connection.read()) await channels.feed(chunk);
    channels.close(ended());
  } catch (error) {
    channels.close(ended(error)); // what the build came to says the rest
  }
}

const ended = (cause?: unknown): TugError => new TugError('cancelled', 'the engine ended the session', { cause });

async function answer(head: unknown, channel: Channel, offers: Offers): Promise<void> {
  await using own = channel;
  const { kind, name, id, path } = head as { kind?: string; name?: string; id?: string; path?: string };
  try {
    const folder = offers.folders.find((one) => one.name === name);
    const agent = offers.agents.get(id ?? '');
    const cache = offers.caches.get(id ?? '');
    const secret = offers.secrets.get(id ?? '');
    if (kind === 'context' && folder) await sendFolder(own, folder);
    else if (kind === 'secret' && secret) await sendSecret(own, await secret());
    else if (kind === 'agent' && agent !== undefined) await forwardAgent(own, agent);
    else if (kind === 'cache-read' && cache !== undefined) await sendCacheFile(own, cache, path ?? '');
    else if (kind === 'cache-write' && cache !== undefined) await takeCacheFile(own, cache, path ?? '');
    else throw notFound(`nothing of the kind ${kind} was offered`);
  } catch (error) {
    await own.fail(error).catch(() => {}); // the engine is gone: nobody waits for it
  }
}

async function sendSecret(channel: Channel, content: Buffer): Promise<void> {
  await channel.write(content);
  await channel.end();
}
