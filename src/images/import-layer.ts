import type { Readable } from 'node:stream';
import { type Descriptor, mediaTypes } from '../api/oci/image.ts';
import { invalid } from '../base/errors.ts';
import { unpackedStream } from './archive/unpacked-stream.ts';
import type { SpooledBlob } from './content/spool.ts';
import { createEarlyUnpacking, type EarlyUnpacking, largeLayer } from './early-unpacking.ts';
import type { ImportDeps } from './import.ts';
import type { Operation } from './operation.ts';
import { detectCompression } from './unpack/decompress.ts';

/**
 * Brings a root file system's tar into the store and unpacks it. A large one is unpacked while it still comes in.
 * @throws invalid for a malformed archive; exhausted when the disk is full. Nothing is left then.
 */
export async function importLayer(
  deps: ImportDeps,
  operation: Operation,
  archive: Readable,
  signal: AbortSignal,
): Promise<Descriptor> {
  const { content, limits, unpacker } = deps;
  const spool = await content.spool();
  const failure = new AbortController();
  const all = AbortSignal.any([signal, failure.signal]);
  const failed = (error: unknown): void => failure.abort(error);
  const { file } = spool;
  const early = createEarlyUnpacking({ unpacker, file, below: 'nothing', from: largeLayer, signal: all, failed });
  let tar: SpooledBlob | undefined;
  try {
    let size = 0;
    for await (const chunk of unpackedStream(archive, all, limits)) {
      if (size === 0) checkIsTar(chunk);
      await spool.write(chunk);
      size += chunk.length;
      early.grew(chunk.length);
    }
    if (size === 0) throw invalid('the archive to import is empty', { code: 'bad-archive' });
    tar = await spool.finish();
    early.ended();
    return await keepAndUnpack(deps, operation, tar, early, signal);
  } finally {
    await early.abandon();
    await (tar ?? spool).discard();
  }
}

function checkIsTar(start: Buffer): void {
  if (detectCompression(start) === 'none') return;
  throw invalid('bad archive: packed more than once', { code: 'bad-archive' });
}

async function keepAndUnpack(
  { unpacker }: ImportDeps,
  operation: Operation,
  tar: SpooledBlob,
  early: EarlyUnpacking,
  signal: AbortSignal,
): Promise<Descriptor> {
  const { digest, size } = tar;
  const layer = { mediaType: mediaTypes.ociLayer, digest, size };
  operation.holdBlob(digest);
  operation.holdLayers([digest]);
  const arriving = await early.settle();
  await tar.keep();
  await unpacker.unpack(layer, digest, [], signal, () => {}, { verified: true, arriving });
  return layer;
}
