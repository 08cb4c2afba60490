import type { StorageDriver } from '../contract.ts';

/** Where tug keeps what it needs to care for a registry, beside the layout that it shares with CNCF distribution. */
const careRoot = '/docker/registry/tug';

export const condemnedFolder = `${careRoot}/condemned`;
export const leaseFile = `${careRoot}/collector`;
export const pullsFolder = `${careRoot}/pulled`;

/**
 * The time by the clock of the store, in milliseconds: ages of files are counted by that alone, since the clocks of
 * several processes differ. Costs a write.
 */
export async function storeTime(storage: StorageDriver): Promise<number> {
  const clock = `${careRoot}/clock`;
  await storage.put(clock, Buffer.from('.'));
  return (await storage.stat(clock))?.modified.getTime() ?? Date.now();
}
