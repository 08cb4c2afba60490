import { setTimeout as delay } from 'node:timers/promises';
import { isKind } from '../../base/errors.ts';
import type { StorageDriver } from '../contract.ts';
import { watchDecisions } from './condemned.ts';

/**
 * What pushes do so that no collection, in whatever process, takes what they need.
 *
 * A collection says what it wants to remove before it looks for the last time whether somebody needs it. A push writes
 * its link before it looks whether what it needs is to be removed. Whichever way the steps of the two fall, one of them
 * sees the other: the collection spares what has a new link, or the push waits until it is decided, and looks again.
 */
export interface Keeper {
  /**
   * To be called after links were written and before it is looked whether what they name is there. True if it had to
   * wait: then the links may be gone too.
   */
  settled(keys: readonly string[]): Promise<boolean>;
  /**
   * Makes a link as good as new: no collection takes it, or what it names, for half the grace time at least. False for
   * one that is not there.
   */
  renew(link: string, key: string): Promise<boolean>;
  /** True where what was renewed at that time of the monotonic clock may be old by now. */
  isLate(since: number): boolean;
}

const pause = 100;
const remembered = 20_000;

/** What `gc.grace` is where nobody says otherwise, in milliseconds. */
const defaultGrace = 60 * 60_000;

/** `grace` in milliseconds: that of the collections. */
export function createKeeper(storage: StorageDriver, grace: number = defaultGrace): Keeper {
  /** When links were renewed here, by the monotonic clock. */
  const renewed = new Map<string, number>();
  const settled: Keeper['settled'] = async (keys) => {
    const wanted = new Set(keys);
    const decisions = watchDecisions(storage);
    for (let waited = false; ; waited = true) {
      if (!(await decisions.pending(wanted))) return waited;
      await delay(pause);
    }
  };
  return {
    settled,
    isLate: (since) => performance.now() - since > grace / 4,
    async renew(link, key) {
      const last = renewed.get(link);
      if (last !== undefined && performance.now() - last < grace / 2) return true;
      renewed.delete(link);
      const now = performance.now();
      do {
        if (!(await touched(storage, link))) return false;
      } while (await settled([key]));
      renewed.set(link, now);
      if (renewed.size > remembered) for (const oldest of renewed.keys()) return renewed.delete(oldest);
      return true;
    },
  };
}

async function touched(storage: StorageDriver, link: string): Promise<boolean> {
  try {
    await storage.touch(link);
    return true;
  } catch (error) {
    if (isKind(error, 'not-found')) return false;
    throw error;
  }
}
