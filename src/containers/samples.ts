import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { EventBus } from '../events/contract.ts';
import { createFileBudget, type KeptFile, keepFile } from '../host/kept-file.ts';
import { createMeter, type Meter, type MeterDeps } from './meter.ts';
import type { ContainerRecord } from './record.ts';
import type { Sample } from './stats-frame.ts';

/** Milliseconds between two samples of a container. */
const period = 1000;
/** Files outside of control groups that are kept open at once. */
const mostKeptFiles = 500;

export interface SampleListener {
  sample(sample: Sample): void;
  /** The container is removed, or the engine shuts down. Called once, and nothing after it. */
  end(): void;
}

/** Measures containers, each once a second however many listen to it, and none that nobody listens to. */
export interface Samples extends Disposable {
  /** The first sample comes at once: the last one taken where others listen already. */
  listen(record: ContainerRecord, listener: SampleListener): Disposable;
}

export type SamplesDeps = Omit<MeterDeps, 'budget'> & {
  readonly events: EventBus;
  readonly clock: Clock;
  readonly log: Logger;
};

/** A container that somebody listens to. */
interface Watched {
  readonly meter: Meter;
  readonly listeners: Set<SampleListener>;
  last: Sample | undefined;
  timer: Disposable | undefined;
}

export function createSamples(deps: SamplesDeps): Samples {
  const budget = createFileBudget(mostKeptFiles);
  const watched = new Map<string, Watched>();
  let shared: { procStat: KeptFile; following: Disposable } | undefined;

  const forget = (id: string, one: Watched): void => {
    one.timer?.[Symbol.dispose]();
    one.meter.release();
    watched.delete(id);
    if (watched.size > 0) return;
    shared?.procStat[Symbol.dispose]();
    shared?.following[Symbol.dispose]();
    shared = undefined;
  };
  const end = (id: string, one: Watched): void => {
    forget(id, one);
    const listeners = [...one.listeners];
    one.listeners.clear();
    for (const listener of listeners) listener.end();
  };
  const follow = (): Disposable =>
    deps.events.subscribe(({ Type, Action, Actor }) => {
      const one = Type === 'container' ? watched.get(Actor.ID) : undefined;
      if (one && Action === 'die') one.meter.release();
      if (one && Action === 'destroy') end(Actor.ID, one);
    });
  const tick = (id: string, one: Watched): void => {
    shared ??= { procStat: keepFile('/proc/stat', budget), following: follow() };
    try {
      one.last = one.meter.sample(shared.procStat);
      for (const listener of one.listeners) listener.sample(one.last);
    } catch (error) {
      deps.log.error('measuring a container', { container: id, error });
      end(id, one);
    }
  };

  return {
    listen(record, listener) {
      const known = watched.get(record.id);
      const one = known ?? newlyWatched(createMeter({ ...deps, budget }, record));
      one.listeners.add(listener);
      if (known?.last) listener.sample(known.last);
      else {
        watched.set(record.id, one);
        repeat(deps.clock, one, () => tick(record.id, one));
      }
      return {
        [Symbol.dispose]() {
          if (one.listeners.delete(listener) && one.listeners.size === 0) forget(record.id, one);
        },
      };
    },
    [Symbol.dispose]() {
      for (const [id, one] of [...watched]) end(id, one);
    },
  };
}

const newlyWatched = (meter: Meter): Watched => ({ meter, listeners: new Set(), last: undefined, timer: undefined });

/** Each container has a timer of its own, so that the work is spread over the second. It is set before the work, which may call it off. */
function repeat(clock: Clock, one: Watched, work: () => void): void {
  one.timer = clock.setTimer(period, () => repeat(clock, one, work));
  work();
}
