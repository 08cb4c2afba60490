import type { Database } from '../../base/database.ts';
import { asTugError, TugError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { ContentStore } from '../content/contract.ts';
import type { LayerRow } from '../layer-rows.ts';
import type { Settling } from '../settling.ts';
import type { SnapshotDriver } from '../snapshots/contract.ts';
import type { ImageState } from '../store.ts';
import type { UnpackLimits, UnpackResult } from './layer.ts';
import type { UnpackPool } from './pool.ts';

export interface UnpackerDeps {
  readonly content: ContentStore;
  readonly driver: SnapshotDriver;
  readonly state: ImageState;
  readonly database: Database;
  readonly settling: Settling;
  readonly pool: UnpackPool;
  /** Threads for layers that are still on their way in: a slow sender keeps them from no other layer. */
  readonly arrivals: UnpackPool;
  readonly log: Logger;
  readonly limits?: UnpackLimits;
}

/** Whether a layer is unpacked and known to the state. */
export function isThere({ state, driver }: UnpackerDeps, id: string): boolean {
  return driver.has(id) && state.layer(id) !== undefined;
}

/** Records a committed layer, which is not on the disk yet. */
export function recordLayer({ database, settling, state }: UnpackerDeps, layer: LayerRow): void {
  database.transaction(() => {
    state.recordLayer(layer);
    settling.note('layer', layer.chainId);
  });
}

/** Says in the log what of a layer the file system did not take. */
export function tellLost({ log }: UnpackerDeps, layer: string, { lostXattrs }: UnpackResult): void {
  if (lostXattrs.length === 0) return;
  log.warn('the file system below the layers does not keep some extended attributes', {
    layer,
    attributes: lostXattrs.join(','),
  });
}

/** What to throw for a failed unpacking: that it was cancelled counts more than what came of it. */
export function unpackError(error: unknown, { aborted, reason }: AbortSignal): TugError {
  if (!aborted) return asTugError(error);
  if (reason instanceof TugError) return reason;
  return new TugError('cancelled', 'the unpacking was cancelled', { cause: reason });
}
