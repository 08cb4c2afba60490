import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import { invalid } from '../../base/errors.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { createTarReader } from '../../formats/tar/reader.ts';
import type { BlobSpool, SpooledBlob } from '../content/spool.ts';
import type { LocalContentStore } from '../content/store.ts';
import type { UnpackLimits } from '../unpack/layer.ts';
import { unpackedStream } from './unpacked-stream.ts';

/** The files of an image archive, each a blob that is not in the store yet, by their name in it. */
export interface Members {
  get(name: string): SpooledBlob | undefined;
  /** The bytes of a small file. @throws invalid when it is missing or over 4 MiB. */
  read(name: string): Promise<Buffer>;
  /** Removes what was not kept. Idempotent. */
  discard(): Promise<void>;
}

/** Follows a file of the archive on its way in. */
export interface MemberWatch {
  wrote(chunk: Buffer): void;
  ended(): void;
  /** Lets go of a file that did not come to its end. */
  abandon(): Promise<void>;
}

/** Says whether a file that is about to come is to be followed. */
export type BeginWatch = (name: string, size: number, spool: BlobSpool) => MemberWatch | undefined;

const smallFile = 4 * 1024 * 1024;
const mostMembers = 100_000;
const mostLinks = 16;

/**
 * Reads an image archive (plain, gzip or zstd) to its end, its files into spools. Links inside the archive lead
 * to the file they name, as the layers of old archives do.
 * @throws invalid `bad-archive`, exhausted when the disk is full; no spool is left then.
 */
export async function readMembers(
  store: LocalContentStore,
  archive: Readable,
  signal: AbortSignal,
  limits?: UnpackLimits,
  watch: BeginWatch = () => undefined,
): Promise<Members> {
  const files = new Map<string, SpooledBlob>();
  const links = new Map<string, string>();
  const discard = async (): Promise<void> => {
    for (const file of files.values()) await file.discard();
  };
  try {
    await readInto(store, unpackedStream(archive, signal, limits), watch, files, links);
  } catch (error) {
    await discard();
    throw error;
  }
  const get = (name: string): SpooledBlob | undefined => {
    let at = normalise(name);
    for (let hops = 0; hops < mostLinks && links.has(at); hops += 1) at = links.get(at) ?? at;
    return files.get(at);
  };
  return {
    get,
    discard,
    async read(name) {
      const file = get(name);
      if (!file) throw invalid(`the archive has no ${name}`, { code: 'bad-archive' });
      if (file.size > smallFile) throw invalid(`${name} in the archive is too large`, { code: 'bad-archive' });
      return fs.readFile(file.file());
    },
  };
}

/** What the reader found in one piece of the archive, to be carried out before the next piece is read. */
type Step = { kind: 'begin'; name: string; size: number } | { kind: 'data'; chunk: Buffer } | { kind: 'end' };

interface OpenMember {
  readonly name: string;
  readonly spool: BlobSpool;
  readonly watch: MemberWatch | undefined;
}

async function readInto(
  store: LocalContentStore,
  pieces: AsyncIterable<Buffer>,
  watch: BeginWatch,
  files: Map<string, SpooledBlob>,
  links: Map<string, string>,
): Promise<void> {
  const steps: Step[] = [];
  let isFile = false;
  const reader = createTarReader({
    entry(entry) {
      const name = nameOf(entry);
      isFile = entry.type === 'file';
      if (files.size + links.size + steps.length > mostMembers) throw bad('the archive has too many files');
      if (isFile) steps.push({ kind: 'begin', name, size: entry.size });
      else if (entry.type === 'symlink' || entry.type === 'hard-link') links.set(name, targetOf(entry, name));
    },
    data: (chunk) => void (isFile && steps.push({ kind: 'data', chunk })),
    end: () => void (isFile && steps.push({ kind: 'end' })),
  });
  let open: OpenMember | undefined;
  try {
    for await (const piece of pieces) {
      reader.feed(piece);
      for (const step of steps.splice(0)) {
        if (step.kind === 'begin') {
          const spool = await store.spool();
          open = { name: step.name, spool, watch: watch(step.name, step.size, spool) };
        } else if (step.kind === 'data') {
          await open?.spool.write(step.chunk);
          open?.watch?.wrote(step.chunk);
        } else if (open) {
          await files.get(open.name)?.discard();
          files.set(open.name, await open.spool.finish());
          open.watch?.ended();
          open = undefined;
        }
      }
    }
    reader.finish();
  } finally {
    await open?.watch?.abandon();
    await open?.spool.discard();
  }
}

function nameOf(entry: TarEntry): string {
  if (entry.path === undefined) throw bad('the archive has a name that is not UTF-8');
  return normalise(entry.path);
}

function targetOf(entry: TarEntry, name: string): string {
  const target = entry.linkPath ?? '';
  return normalise(entry.type === 'symlink' ? path.posix.join(path.posix.dirname(name), target) : target);
}

/** Names are only keys here: one that climbs out finds nothing. */
function normalise(name: string): string {
  return path.posix.normalize(`/${name}`).replace(/\/$/, '').slice(1);
}

const bad = (message: string): Error => invalid(message, { code: 'bad-archive' });
