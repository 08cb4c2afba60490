import { statfsSync } from 'node:fs';
import path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import { TugError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { LoggedContainer, LogKeeping } from './contract.ts';
import type { GrowthWatch } from './growth.ts';
import type { Limits } from './limits.ts';
import { dropBefore, dropOldest, rotate, rotateIdle, settleRotation, tidySegments } from './rotation.ts';
import { listSegments, sizeOf } from './segments.ts';

/**
 * Milliseconds without a rotation until older files are compressed: of a burst most would be compressed in vain, and it
 * would take the processor from the container.
 */
const quietTime = 1000;

/** Bytes that the monitor writes at a time: with less room it drops them. */
const monitorPiece = 8192;

export interface LogCare {
  readonly growth: GrowthWatch;
  readonly log: Logger;
}

/** The monitor's log of one running container, kept within limits. */
export interface Bounded extends LogKeeping {
  /** Begins a new file now. Resolves with whether it was begun. */
  turn(): Promise<boolean>;
  /** Removes what was logged so far. */
  clear(): Promise<void>;
}

/** @param onGrowth called when the monitor's log has grown. */
export function keepBounded(care: LogCare, container: LoggedContainer, limits: Limits, onGrowth?: () => void): Bounded {
  const file = container.monitorLog;
  let over = false;
  /** The monitor was told to begin a new file and has not: it is not told again. */
  let told = false;
  let turning: Promise<boolean> | undefined;

  const complain = (error: unknown): void => {
    if (!over) care.log.warn('a log cannot be rotated now', { container: container.id, error });
  };
  const tidying = createTidying(
    () => tidySegments(file, limits).catch(complain),
    () => over,
  );
  const tell = (): boolean => {
    if (told) return true;
    told = container.reopen();
    return told;
  };
  const turn = (): Promise<boolean> => {
    turning ??= rotate(file, tell)
      .then((done) => {
        if (done) told = false;
        return done;
      })
      .finally(() => {
        turning = undefined;
      });
    return turning;
  };
  const bound = async (): Promise<void> => {
    if (!(await turn())) return;
    dropOldest(file, limits.maxFile - 1);
    tidying.soon();
  };
  const ready = settleRotation(file, () => container.reopen()).then(tidying.soon, complain);
  const checkSpace = watchSpace(care, container);
  const watching = care.growth.add(file, (size) => {
    checkSpace();
    onGrowth?.();
    if (size > limits.maxSize && !turning) ready.then(bound).catch(complain);
  });
  const end = async (): Promise<void> => {
    tidying.cancel();
    watching.stop();
    await ready;
    tidying.cancel();
    await turning?.catch(() => {});
  };
  return {
    turn,
    async clear() {
      await ready;
      if (!(await turn()))
        throw new TugError('unavailable', "the container's monitor did not begin a new log: try again");
      clearClosed(file);
    },
    async finish() {
      await end();
      await closeLog(file, limits);
      await tidying.ended();
    },
    stop() {
      over = true;
      tidying.cancel();
      watching.stop();
    },
  };
}

/** Does what may wait once nothing has asked for it for a while, never twice at a time; `isOver` keeps it from beginning again. */
function createTidying(tidy: () => Promise<void>, isOver: () => boolean) {
  let running: Promise<void> | undefined;
  let again = false;
  let quiet: NodeJS.Timeout | undefined;
  const work = async (): Promise<void> => {
    do {
      again = false;
      await tidy();
    } while (again && !isOver());
  };
  const now = (): void => {
    again = true;
    running ??= work().finally(() => {
      running = undefined;
    });
  };
  return {
    soon(): void {
      clearTimeout(quiet);
      quiet = setTimeout(now, quietTime);
    },
    /** One that runs goes on. */
    cancel: (): void => clearTimeout(quiet),
    ended: async (): Promise<void> => await running,
  };
}

/** On a full disk the monitor drops what it cannot write, and the container runs on. The engine's log says from when to when. */
function watchSpace({ log }: LogCare, { id, monitorLog }: LoggedContainer): () => void {
  let full = false;
  return () => {
    const { bavail, bsize } = statfsSync(path.dirname(monitorLog));
    const isFull = bavail * bsize < monitorPiece;
    if (isFull === full) return;
    full = isFull;
    if (full) log.error('the disk is full: what a container writes from now on is not logged', { container: id });
    else log.warn('a container is logged again; what it wrote while the disk was full is lost', { container: id });
  };
}

/** Brings a log that nobody writes within its limits, without compressing it, and finishes what was cut off. Idempotent. */
export async function closeLog(file: string, limits: Limits): Promise<void> {
  await settleRotation(file, undefined);
  if (sizeOf(file) > limits.maxSize) rotateIdle(file);
  await tidySegments(file, { ...limits, compress: false });
}

/** Removes what a log that nobody writes holds. */
export function clearIdle(file: string): void {
  rotateIdle(file);
  clearClosed(file);
}

function clearClosed(file: string): void {
  crashPoint('log.clear.emptied');
  dropBefore(file, listSegments(file).current.number);
}
