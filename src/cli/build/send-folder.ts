import * as fs from 'node:fs';
import { notFound } from '../../base/errors.ts';
import { type Channel, type ChannelReader, readChannel } from '../../formats/channels.ts';
import { formatListed, type NeededPath, parseNeed } from '../../formats/context-listing.ts';
import { deviceNumbers, entryTypeOf } from '../../formats/tar/file-kind.ts';
import { look } from '../copy/local.ts';
import type { NeededFile } from './needed-files.ts';

/** A folder of this host that a build may ask for. */
export interface OfferedFolder {
  readonly name: string;
  readonly folder: string;
  /** Walks through what is needed of it. */
  readonly files: (needs: readonly NeededPath[]) => Iterable<NeededFile>;
}

const pieceSize = 256 * 1024;

/**
 * Is told what is needed of a folder, gives the list of that, and then what the engine wants of it. See
 * `formats/context-listing.ts`. Nothing outside of the folder is given, whatever is asked for.
 */
export async function sendFolder(channel: Channel, { name, folder, files }: OfferedFolder): Promise<void> {
  const reader = readChannel(channel);
  const needs = await readNeeds(reader);
  const names = await sendList(channel, `${folderKey(folder)} ${name}`, files(needs));
  const count = (await reader.take(4)).readUInt32BE();
  const pieces = gather(channel);
  for (let done = 0; done < count; done += 1) {
    const file = names[(await reader.take(4)).readUInt32BE()];
    if (file === undefined) throw notFound('no file has that number');
    await sendContent(pieces, Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(file, 'latin1')]));
  }
  await pieces.flush();
  await channel.end();
}

async function readNeeds(reader: ChannelReader): Promise<NeededPath[]> {
  const needs: NeededPath[] = [];
  for (;;) {
    const line = await reader.line();
    if (line === undefined || line.length === 0) return needs;
    needs.push(parseNeed(line));
  }
}

/** Names a folder of this host to the engine, which may serve several. */
function folderKey(folder: string): string {
  const machine = ['/etc/machine-id', '/proc/sys/kernel/random/boot_id'].find((file) => fs.existsSync(file));
  return JSON.stringify([machine === undefined ? '' : fs.readFileSync(machine, 'latin1').trim(), folder]);
}

/** Returns the names of the files that may be wanted, by their numbers. */
async function sendList(channel: Channel, key: string, files: Iterable<NeededFile>): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = [];
  const pieces = gather(channel);
  await pieces.add(Buffer.from(`${key}\n`));
  let text = '';
  for (const found of files) {
    const line = lineOf(found);
    if (line === undefined) continue;
    text += line;
    names.push(found.whole && found.stat.isFile() ? found.name : undefined);
    if (text.length < pieceSize) continue;
    await pieces.add(Buffer.from(text));
    text = '';
  }
  await pieces.add(Buffer.from(`${text}\n`));
  await pieces.flush();
  return names;
}

/** Undefined for a socket. */
function lineOf({ file, name, stat, whole }: NeededFile): string | undefined {
  const kind = entryTypeOf(stat);
  if (kind === undefined || kind === 'hard-link') return undefined;
  const { deviceMajor, deviceMinor } = deviceNumbers(stat.rdev);
  const shared = kind === 'file' && stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : '';
  return formatListed({
    ...{ name, kind, mode: Number(stat.mode) & 0o7777 },
    target: kind === 'symlink' ? fs.readlinkSync(file, 'latin1') : shared,
    mtime: Math.max(0, Number(stat.mtimeNs / 1_000_000_000n)), // whole seconds, as Docker's client sends them
    size: kind.endsWith('-device') ? deviceMajor * 2 ** 20 + deviceMinor : Number(stat.size),
    mark: whole && kind === 'file' ? `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}` : '',
  });
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
