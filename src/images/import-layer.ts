import type { Readable } from 'node:stream';
import { type Descriptor, mediaTypes } from '../api/oci/image.ts';
import { invalid } from '../base/errors.ts';
import { unpackedStream } from './archive/unpacked-stream.ts';
import type { ArrivingLayer } from './content/contract.ts';
import type { BlobSpool, SpooledBlob } from './content/spool.ts';
import type { ImportDeps } from './import.ts';
import type { Operation } from './operation.ts';

/** From so many bytes on a layer is unpacked while it comes in: that takes a thread, which costs more than a small one. */
const largeLayer = 8 * 1024 * 1024;

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
  const spool = await deps.content.spool();
  const failure = new AbortController();
  const all = AbortSignal.any([signal, failure.signal]);
  const early = startEarly(deps, spool, all);
  let tar: SpooledBlob | undefined;
  try {
    let size = 0;
    for await (const chunk of unpackedStream(archive, all, deps.limits)) {
      await spool.write(chunk);
      size += chunk.length;
      if (size >= largeLayer) early.begin((error) => failure.abort(error));
    }
    if (size === 0) throw invalid('the archive to import is empty', { code: 'bad-archive' });
    tar = await spool.finish();
    early.whole();
    return await keepAndUnpack(deps, operation, tar, early, signal);
  } catch (error) {
    failure.abort(error);
    early.fail(error);
    await early.running()?.done.catch(() => {}); // the first error counts
    throw error;
  } finally {
    await (tar ?? spool).discard();
  }
}

async function keepAndUnpack(
  deps: ImportDeps,
  operation: Operation,
  tar: SpooledBlob,
  early: Early,
  signal: AbortSignal,
): Promise<Descriptor> {
  const { digest, size } = tar;
  const layer = { mediaType: mediaTypes.ociLayer, digest, size };
  operation.holdBlob(digest);
  operation.holdLayers([digest]);
  const running = early.running();
  await running?.opened; // by its name, which it loses now
  await tar.keep();
  early.keep(layer);
  await (running?.done ?? deps.unpacker.unpack(layer, digest, [], signal, () => {}, true));
  return layer;
}

/** The unpacking of a layer that still comes in. */
interface Early {
  /** Idempotent. */
  begin(failed: (error: unknown) => void): void;
  running(): { readonly opened: Promise<void>; readonly done: Promise<void> } | undefined;
  whole(): void;
  keep(blob: Descriptor): void;
  fail(error: unknown): void;
}

function startEarly({ unpacker }: ImportDeps, { file }: BlobSpool, signal: AbortSignal): Early {
  const flag = new SharedArrayBuffer(4);
  const blob = Promise.withResolvers<Descriptor>();
  blob.promise.catch(() => {}); // heard by the unpacking, if there is one
  const layer: ArrivingLayer = { file, whole: flag, blob: blob.promise };
  let running: ReturnType<typeof unpacker.unpackArriving> | undefined;
  return {
    begin(failed) {
      if (running) return;
      running = unpacker.unpackArriving(layer, signal);
      running.done.catch(failed);
    },
    running: () => running,
    whole: () => void Atomics.store(new Int32Array(flag), 0, 1),
    keep: blob.resolve,
    fail: blob.reject,
  };
}
