import { createLockTable } from '../base/lock.ts';
import { exportVolume, importVolume } from './archive.ts';
import { cloneVolume, renameVolume, restoreVolume } from './change.ts';
import { describe, driverNamed, type VolumeContext, type VolumeDeps, volumeNamed, withLock } from './context.ts';
import type { Volumes } from './contract.ts';
import { createVolume } from './create.ts';
import { compileListFilters } from './filters.ts';
import { createVolumeMounts } from './mounts.ts';
import { pruneVolumes } from './prune.ts';
import { recoverVolumes } from './recover.ts';
import { forgetUses, removeVolume } from './remove.ts';
import { reserveVolumes } from './reserve.ts';
import { createVolumeStore } from './store.ts';
import { sizesOf } from './trees.ts';

/** The volumes of an engine. The host is first touched by `recover`, or by the first volume. */
export function createVolumeService(deps: VolumeDeps): Volumes {
  const store = createVolumeStore(deps.database);
  const context: VolumeContext = { ...deps, store, locks: createLockTable(), mounts: createVolumeMounts() };
  const driverOf = (driver: string) => driverNamed(context, driver);

  return {
    create: (request) => createVolume(context, request),
    list(filters) {
      const matches = compileListFilters(filters, (name) => store.usersOf(name).length > 0);
      return store
        .all()
        .filter(matches)
        .map((record) => describe(context, record));
    },
    inspect: (name) => describe(context, volumeNamed(context, name)),
    remove: (name, options) => removeVolume(context, name, options),
    prune: (options) => pruneVolumes(context, options),
    async usage() {
      const all = store.all().filter((record) => driverOf(record.driver).keepsData(record));
      const sizes = await sizesOf(all.map(({ name, driver }) => driverOf(driver).path(name)));
      return all.map((record, index) => ({
        ...describe(context, record),
        UsageData: { Size: sizes[index] ?? -1, RefCount: store.usersOf(record.name).length },
      }));
    },
    drivers: () => deps.drivers.map(({ name }) => name),

    rename: (name, next) => renameVolume(context, name, next),
    clone: (name, request) => cloneVolume(context, name, request),
    restore: (name, from) => restoreVolume(context, name, from),
    exportFiles: (name, into, signal) => exportVolume(context, deps.archiver, name, { into, signal }),
    importFiles: (name, from, signal) => importVolume(context, deps.archiver, name, { from, signal }),

    reserve: (wishes, work) => reserveVolumes(context, wishes, work),
    find(name) {
      const record = store.get(name);
      return record && { path: driverOf(record.driver).path(name), driver: record.driver };
    },
    mount: (name, user) =>
      withLock(context, name, async () => {
        const record = volumeNamed(context, name);
        return await context.mounts.mount(record, driverOf(record.driver), user);
      }),
    async unmount(user) {
      const names = context.mounts.of(user);
      for (const name of names)
        await withLock(context, name, async () => {
          const record = store.get(name);
          if (record) await context.mounts.unmount(record, driverOf(record.driver), user);
        });
      return names;
    },
    forget: (containerId, doomed) => forgetUses(context, containerId, doomed),
    recover: (running) => recoverVolumes(context, running),
  };
}
