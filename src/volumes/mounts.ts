import type { VolumeDriver } from './driver-contract.ts';
import type { VolumeRecord } from './store.ts';

/**
 * Who has which volume mounted: users are containers, and operations of the engine. What a driver mounts for the first
 * user is unmounted after the last. For callers that hold the volume's lock, but for `usersOf`.
 */
export interface VolumeMounts {
  /** Idempotent for each user. @throws as the driver's `mount`. */
  mount(record: VolumeRecord, driver: VolumeDriver, user: string): Promise<string>;
  /** Idempotent. @throws as the driver's `unmount`; the user is gone all the same. */
  unmount(record: VolumeRecord, driver: VolumeDriver, user: string): Promise<void>;
  /** Enters a user whose mount outlived the last engine. */
  adopt(name: string, user: string): void;
  isUsed(name: string): boolean;
  /** Names of the volumes that a user has mounted. */
  of(user: string): string[];
}

export function createVolumeMounts(): VolumeMounts {
  const users = new Map<string, Set<string>>();
  const enter = (name: string, user: string): void => {
    users.set(name, (users.get(name) ?? new Set()).add(user));
  };
  return {
    async mount(record, driver, user) {
      await driver.mount(record);
      enter(record.name, user);
      return driver.path(record.name);
    },
    async unmount(record, driver, user) {
      const left = users.get(record.name);
      if (!left?.delete(user) || left.size > 0) return;
      users.delete(record.name);
      if (driver.needsMount(record)) await driver.unmount(record);
    },
    adopt: enter,
    isUsed: (name) => users.has(name),
    of: (user) => [...users].filter(([, all]) => all.has(user)).map(([name]) => name),
  };
}
