import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { EventBus } from '../events/contract.ts';
import type { CgroupDriver, CgroupSampler } from '../host/cgroup/contract.ts';
import { readCpuTime } from '../host/cpu-time.ts';
import { type InterfaceCounters, parseNetDev } from '../host/interface-counters.ts';
import { createFileBudget, type KeptFile, keepFile } from '../host/kept-file.ts';
import type { NetworkService } from '../networks/contract.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { emptySample, type Sample, sampleOf } from './stats-frame.ts';

/** Milliseconds between two samples of a container. */
const period = 1000;

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

export interface SamplesDeps {
  readonly cgroups: CgroupDriver;
  readonly networks: NetworkService;
  readonly events: EventBus;
  readonly log: Logger;
  /** Where a container's control group lies. */
  readonly groupOf: (record: ContainerRecord) => string;
}

/** The files of one run of a container. */
interface Meter {
  readonly group: CgroupSampler;
  readonly interfaces: KeptFile | undefined;
}

/** A container that somebody listens to. */
interface Watched {
  readonly record: ContainerRecord;
  readonly listeners: Set<SampleListener>;
  meter: Meter | undefined;
  last: Sample | undefined;
}

export function createSamples(deps: SamplesDeps): Samples {
  const watched = new Map<string, Watched>();
  const budget = createFileBudget(1000);
  let procStat: KeptFile | undefined;
  let following: Disposable | undefined;

  /** The files of a run are let go with it: an open /proc/PID/net/dev would keep its network namespace. */
  const follow = (): void => {
    procStat ??= keepFile('/proc/stat', budget);
    following ??= deps.events.subscribe(({ Type, Action, Actor }) => {
      const one = Type === 'container' ? watched.get(Actor.ID) : undefined;
      if (one && Action === 'die') closeMeter(one);
      if (one && Action === 'destroy') end(one);
    });
  };
  const rest = (): void => {
    if (watched.size > 0) return;
    following?.[Symbol.dispose]();
    procStat?.[Symbol.dispose]();
    following = undefined;
    procStat = undefined;
  };
  const forget = (one: Watched): void => {
    closeMeter(one);
    watched.delete(one.record.id);
    rest();
  };
  const end = (one: Watched): void => {
    forget(one);
    for (const listener of one.listeners) listener.end();
    one.listeners.clear();
  };

  const measure = (one: Watched): Sample => {
    const { record } = one;
    if (!isRunning(record) || !procStat) return emptySample(record.id, record.name);
    one.meter ??= openMeter(deps, record, budget);
    const use = one.meter.group.sample();
    if (!use) return emptySample(record.id, record.name);
    const interfaces = interfacesOf(one.meter);
    return sampleOf(record.id, record.name, { use, host: readCpuTime(procStat), interfaces });
  };
  const tick = (one: Watched): void => {
    try {
      one.last = measure(one);
      for (const listener of one.listeners) listener.sample(one.last);
    } catch (error) {
      deps.log.error('measuring a container', { container: one.record.id, error: messageOf(error) });
      end(one);
    }
  };

  /** One timer for each container, so that the work is spread over the second. */
  const watch = (record: ContainerRecord): Watched => {
    const one: Watched = { record, listeners: new Set(), meter: undefined, last: undefined };
    watched.set(record.id, one);
    follow();
    const timer = setInterval(() => (watched.get(record.id) === one ? tick(one) : clearInterval(timer)), period);
    timer.unref();
    return one;
  };

  return {
    listen(record, listener) {
      const one = watched.get(record.id) ?? watch(record);
      one.listeners.add(listener);
      if (one.last) listener.sample(one.last);
      else tick(one);
      return {
        [Symbol.dispose]() {
          if (one.listeners.delete(listener) && one.listeners.size === 0) forget(one);
        },
      };
    },
    [Symbol.dispose]() {
      for (const one of [...watched.values()]) end(one);
    },
  };
}

function closeMeter(one: Watched): void {
  one.meter?.group[Symbol.dispose]();
  one.meter?.interfaces?.[Symbol.dispose]();
  one.meter = undefined;
}

/** Interfaces are counted in a namespace of the container's own; the host's are not its. */
function openMeter(deps: SamplesDeps, record: ContainerRecord, budget: ReturnType<typeof createFileBudget>): Meter {
  const own = deps.networks.sandboxOf(record.id)?.namespace.kind === 'path';
  return {
    group: deps.cgroups.sampler(deps.groupOf(record)),
    interfaces: own ? keepFile(`/proc/${record.state.pid}/net/dev`, budget) : undefined,
  };
}

function interfacesOf({ interfaces }: Meter): ReadonlyMap<string, InterfaceCounters> {
  const text = interfaces?.read();
  return text === undefined ? new Map() : parseNetDev(text);
}
