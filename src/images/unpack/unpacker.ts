import type { Descriptor } from '../../api/oci/image.ts';
import { crashPoint } from '../../base/crash-points.ts';
import { invalid } from '../../base/errors.ts';
import { chainId } from '../../formats/digest.ts';
import type { ArrivingUnpacker, LayerUnpacker } from '../content/contract.ts';
import type { LayerStage } from '../snapshots/contract.ts';
import { unpackArriving } from './arriving.ts';
import { defaultLimits, type UnpackResult } from './layer.ts';
import { isThere, recordLayer, type UnpackerDeps, unpackError } from './unpacker-deps.ts';

interface Layer {
  readonly blob: Descriptor;
  readonly diffId: string;
  /** Chain-ids below, bottom first. */
  readonly parents: readonly string[];
  readonly chainId: string;
  readonly signal: AbortSignal;
  readonly progress: (bytes: number, total: number) => void;
  /** Whether the blob's digest was verified a moment ago. */
  readonly verified: boolean;
}

/**
 * Unpacks layers in the pool's threads and commits them. Layers of one image may be asked for all at once: with
 * overlay they are unpacked side by side, and each is committed once the one below it is. A parent that is
 * neither there nor being unpacked is waited for until `signal` ends it.
 */
export function createLayerUnpacker(deps: UnpackerDeps): LayerUnpacker & ArrivingUnpacker {
  const running = new Map<string, Promise<void>>();
  const arrivals = createArrivals((id) => isThere(deps, id));

  return {
    async unpack(blob, diffId, parents, signal, progress = () => {}, verified = false) {
      const below = parents.at(-1);
      const id = below === undefined ? diffId : chainId([below, diffId]);
      // Someone else's try may fail for reasons of its own, such as its caller's going away.
      for (let other = running.get(id); other; other = running.get(id)) await other.catch(() => {});
      if (isThere(deps, id)) return;
      const layer: Layer = { blob, diffId, parents, chainId: id, signal, progress, verified };
      const work = unpackAndCommit(deps, layer, () => arrivals.wait(below, signal));
      running.set(id, work);
      try {
        await work;
        arrivals.arrived(id);
      } catch (error) {
        throw unpackError(error, signal);
      } finally {
        running.delete(id);
      }
    },
    unpackArriving: (layer, signal) => unpackArriving(deps, layer, signal),
  };
}

async function unpackAndCommit(deps: UnpackerDeps, layer: Layer, parentIsThere: () => Promise<void>): Promise<void> {
  const parent = layer.parents.at(-1);
  const early = deps.driver.standsAlone && parent !== undefined && !isThere(deps, parent);
  if (!early) await parentIsThere();
  let stage = await deps.driver.stage(layer.parents);
  try {
    let result = await unpackInto(deps, layer, stage, early);
    if (early) await parentIsThere();
    const { unsettled } = result;
    if (unsettled.implied.length + unsettled.whiteouts.length > 0 || unsettled.opaqueRoot) {
      const { folder, below } = stage;
      const settled = await deps.pool.settle({ folder, below, unsettled }, layer.signal);
      if (!settled) {
        await stage.abandon();
        stage = await deps.driver.stage(layer.parents);
        result = await unpackInto(deps, layer, stage, false);
      }
    }
    crashPoint('image.pull.layer-unpacked');
    await stage.commit(layer.chainId);
    recordLayer(deps, { chainId: layer.chainId, diffId: layer.diffId, size: result.size, blob: layer.blob });
    crashPoint('image.pull.layer-committed');
  } catch (error) {
    await stage.abandon();
    throw error;
  }
}

async function unpackInto(
  { content, pool, limits, log }: UnpackerDeps,
  { blob, diffId, signal, progress, verified }: Layer,
  stage: LayerStage,
  early: boolean,
): Promise<UnpackResult> {
  const { folder, whiteouts } = stage;
  const result = await pool.unpack(
    {
      file: content.path(blob.digest),
      folder,
      whiteouts,
      below: early ? undefined : stage.below,
      limits: limits ?? defaultLimits,
      ...(verified ? { digest: blob.digest } : {}),
    },
    signal,
    (bytes) => progress(bytes, blob.size),
  );
  if (result.diffId !== diffId) {
    const message = `layer ${blob.digest} unpacks to ${result.diffId}, the image's configuration says ${diffId}`;
    throw invalid(message, { code: 'diff-id-mismatch' });
  }
  if (result.lostXattrs.length > 0) {
    log.warn('the file system below the layers does not keep some extended attributes', {
      layer: blob.digest,
      attributes: result.lostXattrs.join(','),
    });
  }
  return result;
}

/** Lets layers wait for the one below them. */
function createArrivals(isThereAlready: (id: string) => boolean) {
  const waiting = new Map<string, Set<() => void>>();
  return {
    arrived(id: string): void {
      const waiters = waiting.get(id);
      waiting.delete(id);
      for (const wake of waiters ?? []) wake();
    },
    wait(id: string | undefined, signal: AbortSignal): Promise<void> {
      if (id === undefined || isThereAlready(id)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const waiters = waiting.get(id) ?? new Set();
        waiting.set(id, waiters);
        const stop = (): void => {
          waiters.delete(wake);
          reject(signal.reason);
        };
        const wake = (): void => {
          signal.removeEventListener('abort', stop);
          resolve();
        };
        waiters.add(wake);
        signal.addEventListener('abort', stop, { once: true });
      });
    },
  };
}
