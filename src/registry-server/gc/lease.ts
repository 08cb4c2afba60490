import { randomUUID } from 'node:crypto';
import { isKind } from '../../base/errors.ts';
import type { StorageDriver } from '../contract.ts';
import { leaseFile, storeTime } from './care-paths.ts';
import { hasEnded, thisProcess } from './holder.ts';

/** How long a collector that says nothing is taken to be at work, in milliseconds. */
const leaseTime = 60_000;

/**
 * Does the work if no other process of the registry is doing it, and says whether it did. It spares work and is no lock:
 * two collections at once harm nothing. A process that was killed keeps those of other machines away for a minute.
 */
export async function asOnlyCollector(storage: StorageDriver, work: () => Promise<void>): Promise<boolean> {
  const before = await holder(storage);
  if (before !== undefined && !hasEnded(parsed(before)) && !(await isOld(storage))) return false;
  const own = JSON.stringify({ ...thisProcess(), id: randomUUID() });
  await storage.put(leaseFile, Buffer.from(own));
  const renewing = setInterval(() => void storage.touch(leaseFile).catch(() => undefined), leaseTime / 4);
  renewing.unref();
  try {
    if ((await holder(storage)) !== own) return false;
    await work();
    return true;
  } finally {
    clearInterval(renewing);
    if ((await holder(storage)) === own) await storage.remove(leaseFile);
  }
}

async function isOld(storage: StorageDriver): Promise<boolean> {
  const renewed = await storage.stat(leaseFile);
  return renewed === undefined || (await storeTime(storage)) - renewed.modified.getTime() > leaseTime;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // its age decides
  }
}

async function holder(storage: StorageDriver): Promise<string | undefined> {
  try {
    return String(await storage.get(leaseFile));
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}
