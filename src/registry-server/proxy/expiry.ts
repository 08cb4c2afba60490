import type { Clock } from '../../base/clock.ts';
import { isKind } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { StorageDriver } from '../contract.ts';
import { parseState, serializeState, stateFile } from './expiry-state.ts';

export type KeptKind = 'blob' | 'manifest';

/** When something that is kept for an upstream goes, unless it is used before. */
export interface KeptEntry {
  readonly kind: KeptKind;
  /** Milliseconds since the epoch. */
  expires: number;
}

export interface ExpiryOptions {
  readonly storage: StorageDriver;
  readonly clock: Clock;
  /** The time of day, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that things of a repository are kept; undefined for ever. */
  readonly ttlOf: (name: string) => number | undefined;
  /** Takes one out of its repository. @throws not-found where it is gone already. */
  readonly remove: (kind: KeptKind, name: string, digest: string) => Promise<void>;
  /** Called after something was removed, so that the room is freed. */
  readonly removed: () => Promise<void>;
  readonly log: Logger;
}

/**
 * Removes what was not used for its time. When is kept in one file of the storage, whose format is CNCF distribution's;
 * several servers of one storage keep it together, and the latest use of any of them counts.
 */
export interface Expiry {
  /** Something was stored or asked for. Costs nothing but memory. */
  used(kind: KeptKind, name: string, digest: string): void;
  /** Something was found that is kept: it counts as used now, if nothing is known of it. */
  found(kind: KeptKind, name: string, digest: string): void;
  /** Reads what is known, and begins. */
  start(): Promise<void>;
  /** Removes what is due, one call after the other. Killed in between, what is left is removed by the next. */
  sweep(): Promise<void>;
  /** Writes down what is known. */
  close(): Promise<void>;
}

/** Milliseconds until what is new is written down, and what is only used again. */
const soon = 5000;
const later = 60_000;
const sweepEvery = { least: 1000, most: 3_600_000 };

export function createExpiry(options: ExpiryOptions): Expiry {
  const { storage, now, ttlOf, log } = options;
  const entries = new Map<string, KeptEntry>();
  const timers = createTimers(options.clock);
  const note = (kind: KeptKind, name: string, digest: string, again: boolean): void => {
    const ttl = ttlOf(name);
    if (ttl === undefined) return;
    const key = `${name}@${digest}`;
    const known = entries.get(key);
    const expires = now() + ttl;
    if (known && (!again || expires - known.expires < ttl / 20)) return;
    if (known) known.expires = expires;
    else entries.set(key, { kind, expires });
    timers.set('save', known ? later : soon, () => inTurn(save).catch(failed));
    timers.set('sweep', Math.min(Math.max(ttl / 10, sweepEvery.least), sweepEvery.most), () => sweep().catch(failed));
  };
  const failed = (error: unknown): void => log.error('what is kept for upstreams cannot be cared for', { error });
  /** Takes in what other servers, or the one before, wrote down. */
  const merge = async (): Promise<void> => {
    for (const [key, entry] of await readState(storage, log)) {
      const known = entries.get(key);
      if (known) known.expires = Math.max(known.expires, entry.expires);
      else if (ttlOf(key.slice(0, key.indexOf('@'))) !== undefined) entries.set(key, entry);
    }
  };
  const save = async (): Promise<void> => {
    timers.cancel('save');
    await storage.put(stateFile, serializeState(entries));
  };
  const sweepOnce = async (): Promise<void> => {
    timers.cancel('sweep');
    await merge();
    const due = [...entries].filter(([, { expires }]) => expires <= now());
    for (const [key, entry] of due) await removeOne(options, entries, key, entry);
    await save();
    if (due.length > 0) await options.removed();
    if (entries.size > 0) timers.set('sweep', nextSweep(entries, now()), () => sweep().catch(failed));
  };
  let working: Promise<void> = Promise.resolve();
  /** One after the other: a file that is written late would bring back what was removed meanwhile. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    working = working.catch(() => {}).then(work); // what failed before was told to who asked for it
    return working;
  };
  const sweep = (): Promise<void> => inTurn(sweepOnce);
  return {
    used: (kind, name, digest) => note(kind, name, digest, true),
    found: (kind, name, digest) => note(kind, name, digest, false),
    async start() {
      await merge();
      if (entries.size > 0) timers.set('sweep', nextSweep(entries, now()), () => sweep().catch(failed));
    },
    sweep,
    async close() {
      await working.catch(() => {});
      const unsaved = timers.has('save');
      timers.cancelAll();
      if (!unsaved) return;
      await merge();
      await save();
    },
  };
}

async function removeOne(
  { remove, now, log }: ExpiryOptions,
  entries: Map<string, KeptEntry>,
  key: string,
  entry: KeptEntry,
): Promise<void> {
  if (entry.expires > now()) return; // used meanwhile
  const at = key.indexOf('@');
  try {
    await remove(entry.kind, key.slice(0, at), key.slice(at + 1));
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
  }
  if (entry.expires <= now()) entries.delete(key);
  log.debug('what was not used is removed', { kind: entry.kind, name: key });
}

function nextSweep(entries: ReadonlyMap<string, KeptEntry>, now: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { expires } of entries.values()) first = Math.min(first, expires);
  return Math.min(Math.max(first - now, sweepEvery.least), sweepEvery.most);
}

async function readState(storage: StorageDriver, log: Logger): Promise<Map<string, KeptEntry>> {
  try {
    return parseState(await storage.get(stateFile));
  } catch (error) {
    if (!isKind(error, 'not-found')) log.warn('the times of what is kept for upstreams are unreadable', { error });
    return new Map();
  }
}

/** Timers by name, each set once until it is due or cancelled; the sooner of two counts. */
function createTimers(clock: Clock) {
  const set = new Map<string, { timer: Disposable; due: number }>();
  const cancel = (name: string): void => {
    set.get(name)?.timer[Symbol.dispose]();
    set.delete(name);
  };
  return {
    has: (name: string): boolean => set.has(name),
    set(name: string, milliseconds: number, work: () => void): void {
      const due = clock.now() + milliseconds;
      const known = set.get(name);
      if (known && known.due <= due) return;
      cancel(name);
      const run = (): void => {
        set.delete(name);
        work();
      };
      set.set(name, { timer: clock.setTimer(milliseconds, run), due });
    },
    cancel,
    cancelAll() {
      for (const name of [...set.keys()]) cancel(name);
    },
  };
}
