import { crashPoint } from '../../base/crash-points.ts';
import { invalid } from '../../base/errors.ts';
import type { ArrivingLayer } from '../content/contract.ts';
import type { LayerStage } from '../snapshots/contract.ts';
import { defaultLimits, type UnpackResult } from './layer.ts';
import { createUnpackPool } from './pool.ts';
import { isThere, recordLayer, type UnpackerDeps, unpackError } from './unpacker-deps.ts';

/** Unpacks a tar without parents while it is still being written; see the contract. */
export function unpackArriving(
  deps: UnpackerDeps,
  layer: ArrivingLayer,
  signal: AbortSignal,
): { opened: Promise<void>; done: Promise<void> } {
  const opened = Promise.withResolvers<void>();
  const done = unpackAndCommit(deps, layer, opened.resolve, signal).finally(opened.resolve);
  done.catch(() => {}); // whoever waits for it is told
  return { opened: opened.promise, done };
}

async function unpackAndCommit(
  deps: UnpackerDeps,
  layer: ArrivingLayer,
  opened: () => void,
  signal: AbortSignal,
): Promise<void> {
  const stage = await deps.driver.stage([]);
  try {
    const { size, diffId } = await unpackInto(deps, layer, stage, opened, signal);
    const blob = await layer.blob;
    if (diffId !== undefined) throw invalid('bad archive: packed more than once', { code: 'bad-archive' });
    if (isThere(deps, blob.digest)) return await stage.abandon();
    crashPoint('image.pull.layer-unpacked');
    await stage.commit(blob.digest);
    recordLayer(deps, { chainId: blob.digest, diffId: blob.digest, size, blob });
    crashPoint('image.pull.layer-committed');
  } catch (error) {
    await stage.abandon();
    throw unpackError(error, signal);
  }
}

async function unpackInto(
  { limits, log }: UnpackerDeps,
  { file, whole }: ArrivingLayer,
  { folder, whiteouts, below }: LayerStage,
  opened: () => void,
  signal: AbortSignal,
): Promise<UnpackResult> {
  // A sender that is slow must not keep a thread from other layers.
  const pool = createUnpackPool(1);
  try {
    const task = { file, folder, whiteouts, below, limits: limits ?? defaultLimits, arriving: whole };
    const result = await pool.unpack(task, signal, opened);
    opened(); // a short file is read without a word of progress
    if (result.lostXattrs.length > 0) {
      log.warn('the file system below the layers does not keep some extended attributes', {
        layer: file,
        attributes: result.lostXattrs.join(','),
      });
    }
    return result;
  } finally {
    await pool.close();
  }
}
