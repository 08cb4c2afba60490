import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { countBuffer } from '../../base/buffer-garbage.ts';
import { asTugError } from '../../base/errors.ts';
import type { Publish } from './blob-writer.ts';
import { writeBehind } from './write-behind.ts';

/** A blob that is being written before its digest is known: a layer inside an archive, an imported tar. */
export interface BlobSpool {
  /** Where it is being written. */
  readonly file: string;
  /** Takes a copy of a chunk. @throws exhausted when the disk is full; the spool is to be discarded then. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends writing. Returns what was written; the file still waits for `keep` or `discard`. */
  finish(): Promise<SpooledBlob>;
  /** Removes it. Idempotent; harmless after `keep`. */
  discard(): Promise<void>;
}

export interface SpooledBlob {
  readonly digest: string;
  readonly size: number;
  /** Where the bytes are: the spool file, after `keep` the blob's. */
  readonly file: () => string;
  /** Makes it a blob of the store. Idempotent. @throws exhausted. */
  keep(): Promise<void>;
  discard(): Promise<void>;
}

export interface SpoolDeps {
  readonly folder: string;
  readonly isWhole: (digest: string) => boolean;
  readonly publish: Publish;
  /** Where the blob of a digest belongs. */
  readonly path: (digest: string) => string;
}

/** Opens a spool file. @throws exhausted when the disk is full. */
export async function openSpool(deps: SpoolDeps): Promise<BlobSpool> {
  const file = path.join(deps.folder, `spool-${randomBytes(8).toString('hex')}`);
  const handle = await fs.open(file, 'wx', 0o600).catch((error: unknown) => {
    throw asTugError(error);
  });
  const hash = createHash('sha256');
  const behind = writeBehind(handle.fd, (block) => hash.update(block));
  let size = 0;
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await behind.drop();
    await handle.close();
  };
  const discard = async (): Promise<void> => {
    await close();
    await fs.rm(file, { force: true });
  };
  return {
    file,
    async write(chunk) {
      try {
        countBuffer(chunk.length);
        behind.push(chunk);
        await behind.room();
      } catch (error) {
        throw asTugError(error);
      }
      size += chunk.length;
    },
    discard,
    async finish() {
      try {
        await behind.flush();
      } catch (error) {
        throw asTugError(error);
      }
      await close();
      return spooled(deps, file, `sha256:${hash.digest('hex')}`, size, discard);
    },
  };
}

function spooled(
  deps: SpoolDeps,
  file: string,
  digest: string,
  size: number,
  discard: () => Promise<void>,
): SpooledBlob {
  let isKept = false;
  return {
    digest,
    size,
    file: () => (isKept ? deps.path(digest) : file),
    async keep() {
      if (isKept) return;
      if (deps.isWhole(digest)) await discard();
      else deps.publish(file, digest, size);
      isKept = true;
    },
    async discard() {
      if (!isKept) await discard();
    },
  };
}
