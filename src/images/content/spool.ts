import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { asTugError } from '../../base/errors.ts';
import type { Publish } from './blob-writer.ts';
import { writeBehind } from './write-behind.ts';

/** A blob that is being written before its digest is known: a layer inside an archive, an imported tar. */
export interface BlobSpool {
  /** Where it is being written. */
  readonly file: string;
  /** Takes a chunk, which must not change afterwards. @throws exhausted when the disk is full; the spool is to be discarded then. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends writing. Returns what was written; the file still waits for `keep` or `discard`. */
  finish(): Promise<SpooledBlob>;
  /** Removes it. Idempotent; harmless after `keep`. */
  discard(): Promise<void>;
}

export interface SpooledBlob {
  readonly digest: string;
  readonly size: number;
  /** Where the bytes are: the spool file, after `place` and `keep` the blob's. */
  readonly file: () => string;
  /** Puts it where the store's blob of its digest is read. Of the store it is after `keep`. Idempotent. */
  place(): Promise<void>;
  /** Makes it a blob of the store. Idempotent. */
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
  const behind = writeBehind(handle);
  const hash = createHash('sha256');
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
        await behind.write(chunk);
      } catch (error) {
        throw asTugError(error);
      }
      hash.update(chunk);
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

function spooled(deps: SpoolDeps, file: string, digest: string, size: number, discard: () => Promise<void>) {
  let placing: Promise<void> | undefined;
  let keeping: Promise<void> | undefined;
  /** `there` when the store has one of the same digest anyway. */
  let state: 'spooled' | 'placed' | 'there' = 'spooled';
  const move = async (): Promise<void> => {
    if (deps.isWhole(digest)) {
      await discard();
      state = 'there';
      return;
    }
    await deps.publish.place(file, digest).catch((error: unknown) => {
      throw asTugError(error);
    });
    state = 'placed';
  };
  const place = (): Promise<void> => {
    placing ??= move();
    return placing;
  };
  const keep = async (): Promise<void> => {
    await place();
    if (state !== 'placed') return;
    state = 'there';
    await deps.publish.keep(digest, size);
  };
  const blob: SpooledBlob = {
    digest,
    size,
    file: () => (state === 'spooled' ? file : deps.path(digest)),
    place,
    keep() {
      keeping ??= keep();
      return keeping;
    },
    async discard() {
      await placing?.catch(() => {});
      await keeping?.catch(() => {});
      if (state === 'spooled') await discard();
      if (state === 'placed') await deps.publish.drop(digest);
    },
  };
  return blob;
}
