import type { Descriptor } from '../../api/oci/image.ts';
import { crashPoint } from '../../base/crash-points.ts';
import { invalid } from '../../base/errors.ts';
import { chainId } from '../../formats/digest.ts';
import type { Arriving, ArrivingUnpacker, LayerUnpacker } from '../content/contract.ts';
import type { LayerStage } from '../snapshots/contract.ts';
import { beginArriving } from './arriving.ts';
import { defaultLimits, type UnpackResult } from './layer.ts';
import type { Reuse } from './reuse.ts';
import { isThere, recordLayer, tellLost, type UnpackerDeps, unpackError } from './unpacker-deps.ts';

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
  readonly reuse?: Reuse | undefined;
  readonly arriving?: Arriving | undefined;
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
    async unpack(blob, diffId, parents, signal, progress = () => {}, known = { verified: false }) {
      const below = parents.at(-1);
      const id = below === undefined ? diffId : chainId([below, diffId]);
      // Someone else's try may fail for reasons of its own, such as its caller's going away.
      for (let other = running.get(id); other; other = running.get(id)) await other.catch(() => {});
      if (isThere(deps, id)) return;
      const layer: Layer = { blob, diffId, parents, chainId: id, signal, progress, ...known };
      const work = unpackAndCommit(deps, layer, () => arrivals.wait(below, signal));
      running.set(id, work);
      const release = deps.settling.hold();
      try {
        await work;
        arrivals.arrived(id);
      } catch (error) {
        throw unpackError(error, signal);
      } finally {
        running.delete(id);
        release();
      }
    },
    beginArriving: (layer, signal) => beginArriving(deps, layer, signal),
  };
}

async function unpackAndCommit(deps: UnpackerDeps, layer: Layer, parentIsThere: () => Promise<void>): Promise<void> {
  const parent = layer.parents.at(-1);
  const arrived = await layer.arriving?.take();
  const early = deps.driver.standsAlone && parent !== undefined && !isThere(deps, parent);
  if (!early && !arrived) await parentIsThere();
  let stage = arrived?.stage ?? (await deps.driver.stage(layer.parents));
  try {
    let result = arrived?.result ?? (await unpackInto(deps, layer, stage, early));
    checkDiffId(layer, result);
    if (early || arrived) await parentIsThere();
    const { unsettled } = result;
    if (unsettled.implied.length + unsettled.whiteouts.length > 0 || unsettled.opaqueRoot) {
      const { folder } = stage;
      const below = deps.driver.stack(layer.parents);
      const settled = await deps.pool.settle({ folder, below, unsettled }, layer.signal);
      if (!settled) {
        await stage.abandon();
        stage = await deps.driver.stage(layer.parents);
        result = await unpackInto(deps, layer, stage, false);
        checkDiffId(layer, result);
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

/** Of a plain tar that was still arriving the digest is that of its blob. */
function checkDiffId({ blob, diffId }: Layer, result: UnpackResult): void {
  const found = result.diffId ?? blob.digest;
  if (found === diffId) return;
  const message = `layer ${blob.digest} unpacks to ${found}, the image's configuration says ${diffId}`;
  throw invalid(message, { code: 'diff-id-mismatch' });
}

async function unpackInto(
  deps: UnpackerDeps,
  { blob, signal, progress, verified, reuse }: Layer,
  stage: LayerStage,
  early: boolean,
): Promise<UnpackResult> {
  const { content, pool, limits } = deps;
  const { folder, whiteouts } = stage;
  const result = await pool.unpack(
    {
      file: content.path(blob.digest),
      folder,
      whiteouts,
      below: early ? undefined : stage.below,
      limits: limits ?? defaultLimits,
      ...(verified ? { digest: blob.digest, reuse } : {}),
    },
    signal,
    (bytes) => progress(bytes, blob.size),
  );
  tellLost(deps, blob.digest, result);
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
