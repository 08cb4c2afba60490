import type { Volume } from '../api/types/volume.ts';
import type { Database } from '../base/database.ts';
import { notFound } from '../base/errors.ts';
import type { Journal } from '../base/journal.ts';
import type { LockTable } from '../base/lock.ts';
import type { Logger } from '../base/log.ts';
import type { EventBus } from '../events/contract.ts';
import type { FolderArchiver } from './contract.ts';
import type { VolumeDriver } from './driver-contract.ts';
import type { VolumeMounts } from './mounts.ts';
import type { VolumeRecord, VolumeStore } from './store.ts';

/** What the volume domain is built from; the composition root hands it over. */
export interface VolumeDeps {
  /** With `volumeMigrations` and `journalMigrations`. */
  readonly database: Database;
  readonly journal: Journal;
  readonly events: EventBus;
  readonly log: Logger;
  /** One called `local`; any others beside it. */
  readonly drivers: readonly VolumeDriver[];
  readonly archiver: FolderArchiver;
}

/** What the operations on volumes share. */
export interface VolumeContext extends VolumeDeps {
  readonly store: VolumeStore;
  /** Of the domain alone, and nothing else is asked for while one is held: the last in every order of locks. */
  readonly locks: LockTable;
  readonly mounts: VolumeMounts;
}

/** What Docker marks a volume with that nobody named. */
export const anonymousLabel = 'com.docker.volume.anonymous';

/** @throws not-found in Docker's words. */
export function driverNamed(context: Pick<VolumeContext, 'drivers'>, name: string): VolumeDriver {
  const driver = context.drivers.find((one) => one.name === name);
  if (driver) return driver;
  throw notFound(`error looking up volume plugin ${name}: plugin ${JSON.stringify(name)} not found`, {
    code: 'no-such-driver',
  });
}

/** @throws not-found in Docker's words. */
export function volumeNamed({ store }: Pick<VolumeContext, 'store'>, name: string): VolumeRecord {
  const record = store.get(name);
  if (!record) throw notFound(`get ${name.slice(0, 255)}: no such volume`, { code: 'no-such-volume' });
  return record;
}

export function withLock<T>({ locks }: VolumeContext, name: string, work: () => Promise<T>): Promise<T> {
  return locks.with('volume', name, work);
}

/** Holds the locks of several volumes, taken in the order of their names. */
export function withLocks<T>(context: VolumeContext, names: readonly string[], work: () => Promise<T>): Promise<T> {
  const sorted = [...new Set(names)].sort();
  const next = (index: number): Promise<T> => {
    const name = sorted[index];
    return name === undefined ? work() : withLock(context, name, () => next(index + 1));
  };
  return next(0);
}

/** As inspect shows it. */
export function describe(context: Pick<VolumeContext, 'drivers'>, record: VolumeRecord): Volume {
  const { name, driver, created, labels, options } = record;
  return {
    CreatedAt: created.replace(/\.\d+Z$/, 'Z'),
    Driver: driver,
    Labels: labels === null ? null : { ...labels },
    Mountpoint: driverNamed(context, driver).path(name),
    Name: name,
    Options: Object.keys(options).length === 0 ? null : { ...options },
    Scope: 'local',
  };
}
