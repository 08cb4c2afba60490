import type { Arriving, ArrivingLayer } from '../content/contract.ts';
import type { LayerStage } from '../snapshots/contract.ts';
import { defaultLimits, type UnpackResult } from './layer.ts';
import { tellLost, type UnpackerDeps, unpackError } from './unpacker-deps.ts';

/** Begins to unpack a tar that is still being written; see the contract. */
export function beginArriving(deps: UnpackerDeps, layer: ArrivingLayer, signal: AbortSignal): Arriving {
  const given = new AbortController();
  const both = AbortSignal.any([signal, given.signal]);
  const opened = Promise.withResolvers<void>();
  let begun = false;
  let taken = false;
  const work = unpackStage(deps, layer, both, { begun: () => (begun = true), opened: opened.resolve });
  const done = work.then(
    () => opened.resolve(), // a short file is read without a word of progress
    (error: unknown) => {
      opened.resolve();
      throw unpackError(error, both);
    },
  );
  done.catch(() => {}); // whoever waits for it is told
  const abandon = async (): Promise<void> => {
    if (taken) return;
    taken = true;
    given.abort();
    const left = await work.catch(() => undefined);
    await left?.stage.abandon();
  };
  return {
    done,
    abandon,
    async settled() {
      if (!begun) given.abort();
      else await opened.promise;
    },
    async take() {
      if (taken || !begun) return undefined;
      const result = await work.catch(() => undefined);
      if (taken) return undefined;
      taken = true;
      return result;
    },
  };
}

interface Told {
  begun(): void;
  opened(): void;
}

async function unpackStage(
  deps: UnpackerDeps,
  { file, whole, below }: ArrivingLayer,
  signal: AbortSignal,
  { begun, opened }: Told,
): Promise<{ stage: LayerStage; result: UnpackResult }> {
  const stage = await deps.driver.stage([]);
  try {
    const { folder, whiteouts } = stage;
    const limits = deps.limits ?? defaultLimits;
    const task = { file, folder, whiteouts, below: below === 'nothing' ? [] : undefined, limits, arriving: whole };
    const result = await deps.arrivals.unpack(task, signal, opened, begun);
    tellLost(deps, file, result);
    return { stage, result };
  } catch (error) {
    await stage.abandon();
    throw error;
  }
}
