import { createHash } from 'node:crypto';
import { type Descriptor, mediaTypes } from '../../api/oci/image.ts';
import type { Leases } from '../../base/leases.ts';
import type { Arriving, ArrivingUnpacker } from '../content/contract.ts';
import type { SpooledBlob } from '../content/spool.ts';
import type { LocalContentStore } from '../content/store.ts';
import { createEarlyUnpacking, largeLayer } from '../early-unpacking.ts';

interface SpoolDeps {
  readonly content: LocalContentStore;
  readonly leases: Leases;
}

/** Hashes a tar, and keeps it in the store if asked to. */
export async function spool(
  { content, leases }: SpoolDeps,
  tar: AsyncIterable<Buffer>,
  { holder, keep }: { holder: string; keep: boolean },
  signal: AbortSignal,
): Promise<Descriptor> {
  if (!keep) {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of tar) {
      signal.throwIfAborted();
      hash.update(piece);
      size += piece.length;
    }
    return { mediaType: mediaTypes.ociLayer, digest: `sha256:${hash.digest('hex')}`, size };
  }
  await using spooled = await spoolLayer({ content, leases }, tar, { holder, early: false }, signal);
  return spooled.blob;
}

interface SpooledLayer extends AsyncDisposable {
  readonly blob: Descriptor;
  /** What was begun of its unpacking, which ends with this. */
  readonly arriving: Arriving | undefined;
}

/** Keeps a tar in the store; with `early` a large one is unpacked meanwhile. @throws exhausted. Nothing is left then. */
export async function spoolLayer(
  { content, leases, unpacker }: SpoolDeps & { readonly unpacker?: ArrivingUnpacker },
  tar: AsyncIterable<Buffer>,
  { holder, early }: { readonly holder: string; readonly early: boolean },
  signal: AbortSignal,
): Promise<SpooledLayer> {
  const file = await content.spool();
  const about = { file: file.file, below: 'unknown', from: largeLayer, signal, failed: () => {} } as const;
  const unpacking = early && unpacker ? createEarlyUnpacking({ ...about, unpacker }) : undefined;
  let blob: SpooledBlob | undefined;
  try {
    for await (const piece of tar) {
      signal.throwIfAborted();
      await file.write(piece);
      unpacking?.grew(piece.length);
    }
    blob = await file.finish();
    unpacking?.ended();
    leases.acquire('operation', holder, 'blob', blob.digest);
    const arriving = await unpacking?.settle();
    await blob.keep();
    const { digest, size } = blob;
    return {
      blob: { mediaType: mediaTypes.ociLayer, digest, size },
      arriving,
      [Symbol.asyncDispose]: async () => unpacking?.abandon(),
    };
  } catch (error) {
    await unpacking?.abandon();
    throw error;
  } finally {
    await (blob ?? file).discard();
  }
}
