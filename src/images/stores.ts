import * as path from 'node:path';
import type { Database } from '../base/database.ts';
import type { Logger } from '../base/log.ts';
import { syncFileSystems } from '../host/syncfs.ts';
import type { ArrivingUnpacker, LayerUnpacker } from './content/contract.ts';
import { createContentStore, type LocalContentStore } from './content/store.ts';
import { createSettling, type Settling } from './settling.ts';
import type { SnapshotDriver } from './snapshots/contract.ts';
import { createImageStore, type ImageState } from './store.ts';
import { defaultLimits, type UnpackLimits } from './unpack/layer.ts';
import { createUnpackPool, type UnpackPool } from './unpack/pool.ts';
import { createLayerUnpacker } from './unpack/unpacker.ts';

/** What images are kept in and made with; the image service and the pull are built on it. */
export interface ImageStores {
  readonly content: LocalContentStore;
  readonly driver: SnapshotDriver;
  readonly state: ImageState;
  readonly pool: UnpackPool;
  readonly arrivals: UnpackPool;
  readonly settling: Settling;
  readonly unpacker: LayerUnpacker & ArrivingUnpacker;
  /** What layers and archives may unpack to. */
  readonly limits: UnpackLimits;
}

/**
 * Opens the content store in `root/content`, the state of images and the unpacker. The database has
 * `imageMigrations` applied. Synchronous, idempotent; no thread is started before the first layer.
 */
export function openImageStores(deps: {
  database: Database;
  /** The engine's data root. */
  root: string;
  driver: SnapshotDriver;
  /** See `settling.ts`. */
  session: string;
  log: Logger;
  /** In place of the usual ones, each where it is given. */
  limits?: { readonly [Key in keyof UnpackLimits]?: UnpackLimits[Key] | undefined };
}): ImageStores {
  const { database, driver, log, session } = deps;
  const root = path.join(deps.root, 'content');
  const settling = createSettling({ database, session, log, sync: () => syncFileSystems([root, driver.root]) });
  const content = createContentStore({ database, root, note: (digest) => settling.note('blob', digest) });
  const state = createImageStore({ database, content });
  const pool = createUnpackPool();
  const arrivals = createUnpackPool();
  const { entries, ratio, freeBytes } = deps.limits ?? {};
  const limits: UnpackLimits = {
    entries: entries ?? defaultLimits.entries,
    ratio: ratio ?? defaultLimits.ratio,
    freeBytes: freeBytes ?? defaultLimits.freeBytes,
  };
  const unpacker = createLayerUnpacker({ database, settling, content, driver, state, pool, arrivals, log, limits });
  return { content, driver, state, pool, arrivals, settling, unpacker, limits };
}
