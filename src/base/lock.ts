import { internal } from './errors.ts';

/**
 * Locks by key, taken in one order over the whole engine: network, volume, image, container. Holding a lock
 * of a later rank while asking for one of an earlier rank is a fault of tug and throws, so that a deadlock
 * is found by the first test that walks the path and not by the first pair of users who meet.
 */
export const lockOrder = ['network', 'volume', 'image', 'container'] as const;
export type LockRank = (typeof lockOrder)[number];

export interface LockTable {
  /**
   * Runs `work` while holding the lock `rank/key`. Waiters are served in the order they came. `held` are the
   * ranks that the caller holds already.
   * @throws internal when `rank` comes before, or equals, one of `held`.
   */
  with<T>(rank: LockRank, key: string, work: () => Promise<T>, held?: readonly LockRank[]): Promise<T>;
}

/** A table of locks with its own, empty state. */
export function createLockTable(): LockTable {
  const tails = new Map<string, Promise<void>>();
  return {
    async with(rank, key, work, held = []) {
      const own = lockOrder.indexOf(rank);
      for (const other of held) {
        if (lockOrder.indexOf(other) >= own) throw internal(`lock order: ${rank} asked for while ${other} is held`);
      }
      const name = `${rank}/${key}`;
      const before = tails.get(name) ?? Promise.resolve();
      const mine = Promise.withResolvers<void>();
      tails.set(name, mine.promise);
      await before;
      try {
        return await work();
      } finally {
        mine.resolve();
        if (tails.get(name) === mine.promise) tails.delete(name);
      }
    },
  };
}
