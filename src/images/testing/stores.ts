import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { type Descriptor, mediaTypes } from '../../api/oci/image.ts';
import { type Database, openDatabase } from '../../base/database.ts';
import { journalMigrations, openJournal } from '../../base/journal.ts';
import { leaseMigrations, openLeases } from '../../base/leases.ts';
import { silentLogger } from '../../base/log.ts';
import { chainIds, sha256 } from '../../formats/digest.ts';
import { listMounts, unmount } from '../../host/mount.ts';
import { imageMigrations } from '../migrations.ts';
import type { SnapshotDriver } from '../snapshots/contract.ts';
import { type ImageStores, openImageStores } from '../stores.ts';

/** What the image domain stands on, in a folder of its own. */
export interface TestStores extends ImageStores {
  readonly root: string;
  readonly database: Database;
  readonly leases: ReturnType<typeof openLeases>;
  readonly journal: ReturnType<typeof openJournal>;
  /** A container's root file system over these layers while `work` looks at it. */
  withRootfs<T>(layers: readonly string[], work: (rootfs: string) => Promise<T> | T): Promise<T>;
  /** Stores a blob; returns its descriptor. */
  blob(bytes: Buffer): Promise<Descriptor>;
  /** Unpacks tars on top of each other; returns their chain-ids. */
  unpackTars(...tars: readonly Buffer[]): Promise<string[]>;
  /** Ends the threads, unmounts what is mounted below the folder, removes it. */
  close(): Promise<void>;
}

/** Opens stores in a fresh temporary folder, or in `root`, which `close` then leaves. */
export async function openTestStores(
  createDriver: (root: string) => SnapshotDriver,
  given?: string,
): Promise<TestStores> {
  const root = given ?? (await fs.mkdtemp(path.join(os.tmpdir(), 'tug-images-')));
  const database = openDatabase(path.join(root, 'state.db'), [
    ...imageMigrations,
    ...journalMigrations,
    ...leaseMigrations,
  ]);
  const driver = createDriver(path.join(root, 'snapshots'));
  const stores = openImageStores({ database, root, driver, session: 'test', log: silentLogger });
  let containers = 0;
  const blob = async (bytes: Buffer): Promise<Descriptor> => ({
    mediaType: mediaTypes.ociLayer,
    digest: await stores.content.put(bytes),
    size: bytes.length,
  });
  return {
    ...stores,
    root,
    database,
    leases: openLeases(database),
    journal: openJournal(database),
    async withRootfs(layers, work) {
      containers += 1;
      const id = `test${containers}`;
      const target = path.join(root, 'mnt', id);
      await driver.prepare(id, layers);
      try {
        await driver.mount(id, target);
        return await work(target);
      } finally {
        await driver.unmount(id, target);
        await driver.discard(id);
      }
    },
    blob,
    async unpackTars(...tars) {
      const diffIds = tars.map((tar) => sha256(tar));
      const chain = chainIds(diffIds);
      for (const [at, tar] of tars.entries()) {
        const { signal } = new AbortController();
        await stores.unpacker.unpack(await blob(tar), diffIds[at] ?? '', chain.slice(0, at), signal);
      }
      return chain;
    },
    async close() {
      await stores.settling.close();
      await stores.pool.close();
      await stores.arrivals.close();
      database[Symbol.dispose]();
      for (const { target } of listMounts(root).reverse()) if (target !== root) unmount(target, { detach: true });
      if (given === undefined) await fs.rm(root, { recursive: true, force: true });
    },
  };
}
