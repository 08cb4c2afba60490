import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { messageOf, notFound, TugError } from '../../base/errors.ts';
import type { Connection } from '../../client/connection.ts';
import type { Engine } from '../../client/engine.ts';
import { type Channel, createChannels, readChannel } from '../../formats/channels.ts';
import { formatListed } from '../../formats/context-listing.ts';
import { deviceNumbers, entryTypeOf } from '../../formats/tar/file-kind.ts';
import { look } from '../copy/local.ts';
import { sendCacheFile, takeCacheFile } from './caches.ts';
import type { FoundFile } from './context.ts';

/** A folder of this host that a build may ask for. */
export interface OfferedFolder {
  readonly name: string;
  readonly folder: string;
  /** Walks it anew. */
  readonly files: () => Iterable<FoundFile>;
}

export interface Offers {
  readonly folders: readonly OfferedFolder[];
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
  const [agents, caches] = [[...offers.agents.keys()], [...offers.caches.keys()]];
  const names = { contexts: offers.folders.map(({ name }) => name), agents, caches };
  const connection = await engine.hijack('POST', '/build/session', { query: { id, offers: JSON.stringify(names) } });
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
    if (kind === 'context' && folder) await sendFolder(own, folder);
    else if (kind === 'agent' && agent !== undefined) await forwardAgent(own, agent);
    else if (kind === 'cache-read' && cache !== undefined) await sendCacheFile(own, cache, path ?? '');
    else if (kind === 'cache-write' && cache !== undefined) await takeCacheFile(own, cache, path ?? '');
    else throw notFound(`nothing of the kind ${kind} was offered`);
  } catch (error) {
    await own.fail(error).catch(() => {}); // the engine is gone: nobody waits for it
  }
}

const pieceSize = 256 * 1024;

/** First the list, then what the engine wants of it. See `formats/context-listing.ts`. */
async function sendFolder(channel: Channel, { name, folder, files }: OfferedFolder): Promise<void> {
  const contents = await sendList(channel, `${folderKey(folder)} ${name}`, files());
  const reader = readChannel(channel);
  const count = (await reader.take(4)).readUInt32BE();
  const pieces = gather(channel);
  for (let done = 0; done < count; done += 1) {
    const file = contents[(await reader.take(4)).readUInt32BE()];
    if (!file) throw notFound('no file has that number');
    await sendContent(pieces, file);
  }
  await pieces.flush();
  await channel.end();
}

/** Names a folder of this host to the engine, which may serve several. */
function folderKey(folder: string): string {
  const machine = ['/etc/machine-id', '/proc/sys/kernel/random/boot_id'].find((file) => fs.existsSync(file));
  return JSON.stringify([machine === undefined ? '' : fs.readFileSync(machine, 'latin1').trim(), folder]);
}

/** Returns the files by their numbers. */
async function sendList(channel: Channel, key: string, files: Iterable<FoundFile>): Promise<(Buffer | undefined)[]> {
  const contents: (Buffer | undefined)[] = [];
  const links = new Map<string, string>();
  const pieces = gather(channel);
  await pieces.add(Buffer.from(`${key}\n`));
  let text = '';
  for (const { file, name, stat } of files) {
    const type = entryTypeOf(stat);
    if (type === undefined) continue;
    const key = `${stat.dev}:${stat.ino}`;
    const first = type === 'directory' || stat.nlink < 2n ? undefined : links.get(key);
    const isFile = type === 'file' && first === undefined;
    const target = first ?? (type === 'symlink' ? fs.readlinkSync(file, 'latin1') : '');
    const { deviceMajor, deviceMinor } = deviceNumbers(stat.rdev);
    text += formatListed({
      ...{ name, kind: first === undefined ? type : 'hard-link', mode: Number(stat.mode) & 0o7777, target },
      mtime: Math.max(0, Number(stat.mtimeNs / 1_000_000_000n)), // whole seconds, as Docker's client sends them
      size: type.endsWith('-device') ? deviceMajor * 2 ** 20 + deviceMinor : Number(stat.size),
      mark: isFile ? `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}` : '',
    });
    contents.push(isFile ? file : undefined);
    if (type === 'file' && stat.nlink > 1n && first === undefined) links.set(key, name);
    if (text.length < pieceSize) continue;
    await pieces.add(Buffer.from(text));
    text = '';
  }
  await pieces.add(Buffer.from(`${text}\n`));
  await pieces.flush();
  return contents;
}

interface Pieces {
  add(bytes: Buffer): Promise<void>;
  flush(): Promise<void>;
}

/** Joins small writes. */
function gather(channel: Channel): Pieces {
  let parts: Buffer[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    const whole = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, size);
    parts = [];
    size = 0;
    if (whole.length > 0) await channel.write(whole);
  };
  return {
    flush,
    async add(bytes) {
      parts.push(bytes);
      size += bytes.length;
      if (size >= pieceSize) await flush();
    },
  };
}

/** One that is cut shorter meanwhile is filled up with zeros. */
async function sendContent(pieces: Pieces, file: Buffer): Promise<void> {
  const fd = look('open', file, () => fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW));
  try {
    const { size } = fs.fstatSync(fd);
    const head = Buffer.alloc(8);
    head.writeBigUInt64BE(BigInt(size));
    await pieces.add(head);
    for (let done = 0; done < size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(pieceSize, size - done));
      const got = fs.readSync(fd, buffer, 0, buffer.length, done);
      if (got < buffer.length) buffer.fill(0, got);
      await pieces.add(buffer);
      done += buffer.length;
    }
  } finally {
    fs.closeSync(fd);
  }
}

async function forwardAgent(channel: Channel, path: string): Promise<void> {
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
