import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { asTugError, invalid } from '../../base/errors.ts';
import { parseDigest } from '../../formats/digest.ts';
import type { BlobWriter } from './contract.ts';

export interface BlobWriterDeps {
  readonly expected: { readonly digest: string; readonly size: number };
  /** Ingest names in use in this process. A second writer of a digest waits for the first. */
  readonly busy: Map<string, Promise<void>>;
  readonly folder: string;
  readonly isWhole: (digest: string) => boolean;
  /** Moves the synced file into place and records it. */
  readonly publish: (file: string, digest: string, size: number) => Promise<void>;
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

  let open = true;
  const close = async (keep: boolean): Promise<void> => {
    if (!open) return;
    open = false;
    try {
      await handle.close();
      if (!keep || written === 0) await fs.rm(file, { force: true });
    } finally {
      release();
    }
  };
  return {
    offset: written,
    async write(chunk) {
      if (written + chunk.length > size) throw await refuse(close, digest, size, 'more');
      try {
        await writeWhole(handle, chunk);
      } catch (error) {
        throw asTugError(error);
      }
      hash.update(chunk);
      written += chunk.length;
    },
    async restart() {
      await handle.truncate(0);
      hash = createHash(algorithm);
      written = 0;
    },
    async commit() {
      if (!open) return;
      if (written < size) throw await refuse(close, digest, size, `only ${written}`);
      const found = `${algorithm}:${hash.digest('hex')}`;
      if (found !== digest) {
        await close(false);
        throw invalid(`blob ${digest} arrived damaged: its content has the digest ${found}`, {
          code: 'digest-mismatch',
        });
      }
      try {
        await handle.sync();
        await deps.publish(file, digest, size);
        await close(true);
      } catch (error) {
        await close(false);
        throw asTugError(error);
      }
    },
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

/** Writes all of a chunk at the file's end (or the handle's position): one write(2) may take only a part. */
export async function writeWhole(handle: fs.FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done);
    done += bytesWritten;
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
