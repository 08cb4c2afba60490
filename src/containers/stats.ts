import type { ContainerStats } from '../api/types/container-stats.ts';
import type { ContainerContext } from './context.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { completeFrame, emptySample, type Sample } from './stats-frame.ts';

export interface StatsOptions {
  /** A frame a second until the container is removed; else one frame. */
  readonly stream: boolean;
  /** The one frame at once, without one before it to compare with. */
  readonly oneShot: boolean;
}

/**
 * What a container uses. Without `stream` and `oneShot` it takes two samples, so that the one frame says what share
 * of the processors it has; one that does not run is told at once, as nothing. A client that reads slowly misses
 * frames. Changes nothing.
 */
export async function* statsOf(
  context: ContainerContext,
  record: ContainerRecord,
  options: StatsOptions,
  signal: AbortSignal,
): AsyncGenerator<ContainerStats, void> {
  if (!options.stream && !isRunning(record)) {
    yield completeFrame(emptySample(record.id, record.name), undefined);
    return;
  }
  let before: Sample | undefined;
  for await (const sample of listen(context, record, signal)) {
    if (options.stream || options.oneShot || before !== undefined) yield completeFrame(sample, before);
    if (!options.stream && (options.oneShot || before !== undefined)) return;
    before = sample;
  }
}

/** The newest sample each time one is asked for and a newer one is there. Ends with the container or the client. */
async function* listen(
  { samples }: ContainerContext,
  record: ContainerRecord,
  signal: AbortSignal,
): AsyncGenerator<Sample, void> {
  let newest: Sample | undefined;
  let ended = signal.aborted;
  let wake = Promise.withResolvers<void>();
  const end = (): void => {
    ended = true;
    wake.resolve();
  };
  using _listening = samples.listen(record, {
    sample(sample) {
      newest = sample;
      wake.resolve();
    },
    end,
  });
  signal.addEventListener('abort', end, { once: true });
  try {
    while (!ended) {
      if (newest === undefined) {
        await wake.promise;
        wake = Promise.withResolvers<void>();
      } else {
        const sample = newest;
        newest = undefined;
        yield sample;
      }
    }
  } finally {
    signal.removeEventListener('abort', end);
  }
}
