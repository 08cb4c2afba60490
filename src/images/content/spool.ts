import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { asTugError } from '../../base/errors.ts';
import { writeWhole } from './blob-writer.ts';

/** A blob that is being written before its digest is known: a layer inside an archive, an imported tar. */
export interface BlobSpool {
  /** @throws exhausted when the disk is full; the spool is to be discarded then. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends writing. Returns what was written; the file still waits for `keep` or `discard`. */
  finish(): Promise<SpooledBlob>;
  /** Removes it. Idempotent; harmless after `keep`. */
  discard(): Promise<void>;
}

export interface SpooledBlob {
  readonly digest: string;
  readonly size: number;
  /** Where the bytes are: the spool file, after `keep` the blob. */
  readonly file: () => string;
  /** Syncs it and makes it a blob of the store. Idempotent. */
  keep(): Promise<void>;
  discard(): Promise<void>;
}

export interface SpoolDeps {
  readonly folder: string;
  readonly isWhole: (digest: string) => boolean;
  readonly publish: (file: string, digest: string, size: number) => Promise<void>;
}

/** Opens a spool file. @throws exhausted when the disk is full. */
export async function openSpool(deps: SpoolDeps): Promise<BlobSpool> {
  const file = path.join(deps.folder, `spool-${randomBytes(8).toString('hex')}`);
  const handle = await fs.open(file, 'wx', 0o600).catch((error: unknown) => {
    throw asTugError(error);
  });
  const hash = createHash('sha256');
  let size = 0;
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await handle.close();
  };
  const discard = async (): Promise<void> => {
    await close();
    await fs.rm(file, { force: true });
  };
  return {
    async write(chunk) {
      try {
        await writeWhole(handle, chunk);
      } catch (error) {
        throw asTugError(error);
      }
      hash.update(chunk);
      size += chunk.length;
    },
    discard,
    async finish() {
      await close();
      return spooled(deps, file, `sha256:${hash.digest('hex')}`, size, discard);
    },
  };
}

function spooled(deps: SpoolDeps, file: string, digest: string, size: number, discard: () => Promise<void>) {
  let kept: string | undefined;
  const blob: SpooledBlob = {
    digest,
    size,
    file: () => kept ?? file,
    async keep() {
      if (kept !== undefined) return;
      if (deps.isWhole(digest)) {
        await discard();
      } else {
        try {
          const handle = await fs.open(file, 'r+');
          await handle.sync().finally(() => handle.close());
          await deps.publish(file, digest, size);
        } catch (error) {
          throw asTugError(error);
        }
      }
      kept = path.join(path.dirname(deps.folder), 'blobs', 'sha256', digest.slice(7));
    },
    discard: async () => {
      if (kept === undefined) await discard();
    },
  };
  return blob;
}
