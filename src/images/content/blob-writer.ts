import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { countBuffer } from '../../base/buffer-garbage.ts';
import { asTugError, invalid } from '../../base/errors.ts';
import { parseDigest } from '../../formats/digest.ts';
import type { BlobWriter } from './contract.ts';
import { writeBehind } from './write-behind.ts';

/**
 * Makes a file whose digest is verified a blob of the store, in one synchronous step: moved to where the blob belongs,
 * and recorded. Killed between the two, the next start takes the file away. @throws exhausted; the file is gone then.
 */
export type Publish = (file: string, digest: string, size: number) => void;

export interface BlobWriterDeps {
  readonly expected: { readonly digest: string; readonly size: number };
  /** Ingest names in use in this process. A second writer of a digest waits for the first. */
  readonly busy: Map<string, Promise<void>>;
  readonly folder: string;
  readonly isWhole: (digest: string) => boolean;
  readonly publish: Publish;
}

/**
 * Opens the ingest file of a digest, with what an earlier try left in it hashed again. A blob that is whole
 * already gives a writer whose offset is its size and whose commit does nothing.
 * @throws invalid for a malformed digest, exhausted when the disk is full.
 */
export async function openBlobWriter(deps: BlobWriterDeps): Promise<BlobWriter> {
  const { digest, size } = deps.expected;
  const { algorithm, hex } = parseDigest(digest);
  const name = `${algorithm}-${hex}`;
  const release = await takeTurn(deps.busy, name);
  if (deps.isWhole(digest)) {
    release();
    return wholeBlob(size);
  }
  const file = path.join(deps.folder, name);
  try {
    const handle = await fs.open(file, 'a+', 0o600);
    try {
      return await resume(deps, { file, handle, algorithm, release });
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    release();
    throw asTugError(error);
  }
}

async function takeTurn(busy: Map<string, Promise<void>>, name: string): Promise<() => void> {
  for (let other = busy.get(name); other; other = busy.get(name)) await other;
  const turn = Promise.withResolvers<void>();
  busy.set(name, turn.promise);
  return () => {
    if (busy.get(name) === turn.promise) busy.delete(name);
    turn.resolve();
  };
}

interface Ingest {
  readonly file: string;
  readonly handle: fs.FileHandle;
  readonly algorithm: string;
  readonly release: () => void;
}

async function resume(deps: BlobWriterDeps, { file, handle, algorithm, release }: Ingest): Promise<BlobWriter> {
  const { digest, size } = deps.expected;
  let hash = createHash(algorithm);
  let written = (await handle.stat()).size;
  if (written > size) {
    await handle.truncate(0);
    written = 0;
  } else if (written > 0) await hashFile(handle, hash);

  const behind = writeBehind(handle.fd, (block) => hash.update(block));
  let isOpen = true;
  const close = async (keep: boolean): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    try {
      if (keep)
        await behind.flush().catch(() => {}); // the next try goes on from what is there
      else await behind.drop();
      await handle.close();
      if (!keep || written === 0) await fs.rm(file, { force: true });
    } finally {
      release();
    }
  };
  const commit = async (): Promise<void> => {
    if (!isOpen) return;
    if (written < size) throw await refuse(close, digest, size, `only ${written}`);
    try {
      await behind.flush();
      const found = `${algorithm}:${hash.digest('hex')}`;
      if (found !== digest) {
        const message = `blob ${digest} arrived damaged: its content has the digest ${found}`;
        throw invalid(message, { code: 'digest-mismatch' });
      }
      deps.publish(file, digest, size);
    } catch (error) {
      await close(false);
      throw asTugError(error);
    }
    isOpen = false;
    await handle.close().finally(release);
  };
  return {
    offset: written,
    async write(chunk) {
      if (written + chunk.length > size) throw await refuse(close, digest, size, 'more');
      try {
        countBuffer(chunk.length);
        behind.push(chunk);
        await behind.room();
      } catch (error) {
        throw asTugError(error);
      }
      written += chunk.length;
    },
    async restart() {
      await behind.drop();
      await handle.truncate(0);
      hash = createHash(algorithm);
      written = 0;
    },
    commit,
    close,
  };
}

async function refuse(close: (keep: boolean) => Promise<void>, digest: string, size: number, what: string) {
  await close(false);
  return invalid(`blob ${digest} should have ${size} bytes and has ${what}`, { code: 'size-mismatch' });
}

async function hashFile(handle: fs.FileHandle, hash: Hash): Promise<void> {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

function wholeBlob(size: number): BlobWriter {
  return {
    offset: size,
    write: async () => {},
    restart: async () => {},
    commit: async () => {},
    close: async () => {},
  };
}
