import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { type Database, openDatabase } from '../../src/base/database.ts';
import { type Leases, leaseMigrations, openLeases } from '../../src/base/leases.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { Progress, PullRequest } from '../../src/images/contract.ts';
import { imageMigrations } from '../../src/images/migrations.ts';
import { createPull } from '../../src/images/pull.ts';
import { createOverlay2Driver } from '../../src/images/snapshots/drivers/overlay2.ts';
import { type ImageStores, openImageStores } from '../../src/images/stores.ts';
import { createRegistryClient } from '../../src/registry-client/client.ts';

/** The engine's pull as the daemon makes it: real stores, the overlay2 driver, session: 'test', unpacking threads. */
export interface PullEngine extends AsyncDisposable {
  readonly stores: ImageStores;
  readonly database: Database;
  readonly leases: Leases;
  pull(reference: string, request?: Partial<PullRequest>, progress?: Progress): Promise<string>;
  /** Calls `look` with a folder where an image is mounted as a container's root. */
  withMounted<T>(imageId: string, look: (folder: string) => T | Promise<T>): Promise<T>;
}

/** Opens it with all its files below `root`, which is the caller's to remove. */
export function openPullEngine(root: string): PullEngine {
  const database = openDatabase(path.join(root, 'tug.db'), [...leaseMigrations, ...imageMigrations]);
  const driver = createOverlay2Driver(path.join(root, 'overlay2'));
  const stores = openImageStores({ database, root, driver, session: 'test', log: silentLogger });
  const { content, state, unpacker } = stores;
  const leases = openLeases(database);
  const registries = createRegistryClient({ retry: { attempts: 4, firstDelay: 1, longestDelay: 50 } });
  const pull = createPull({
    ...{ registries, content, unpacker, leases, store: state, log: silentLogger },
    hasLayer: (chainId) => driver.has(chainId) && state.layer(chainId) !== undefined,
    imageId: (name) => state.byName(name) ?? state.get(name)?.id,
    platform: { os: 'linux', architecture: 'amd64' },
  });
  return {
    ...{ stores, database, leases },
    pull: (reference, request = {}, progress = () => {}) => {
      const whole = { reference, platform: undefined, auth: undefined, ...request };
      return pull(whole, progress, new AbortController().signal);
    },
    async withMounted(imageId, look) {
      const target = path.join(root, 'mounted');
      await driver.prepare('looked-at', state.get(imageId)?.layers ?? []);
      try {
        await driver.mount('looked-at', target);
        return await look(target);
      } finally {
        await driver.unmount('looked-at', target);
        await driver.discard('looked-at');
        await fs.rm(target, { recursive: true, force: true });
      }
    },
    async [Symbol.asyncDispose]() {
      await stores.settling.close();
      await stores.pool.close();
      registries[Symbol.dispose]();
      database[Symbol.dispose]();
    },
  };
}
