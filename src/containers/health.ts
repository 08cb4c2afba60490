import type { Clock } from '../base/clock.ts';
import { type HealthPlan, healthPlan } from './health-plan.ts';
import { afterProbe, type Health, healthAtStart, nextEarly, type ProbeResult, untilNext } from './health-state.ts';
import type { ContainerRecord } from './record.ts';

/**
 * What checks the health of running containers. Between two probes of a container there is one timer and nothing else.
 *
 * Docker's first probe comes a whole interval after the start. Before it there are early ones, of which only a success
 * counts: that makes the container healthy, and the next probe follows an interval later. One that fails leaves no
 * trace. One that still runs when the first regular probe is due is ended for it, so that nothing is ever found later
 * than Docker finds it.
 */
export interface HealthMonitors {
  /** Undefined for a container whose health is not checked, or that never ran. */
  of(id: string): Health | undefined;
  /** A container starts to run: it is starting again. */
  begin(record: ContainerRecord): void;
  /** A container runs since an earlier engine: probes go on where they were. */
  resume(record: ContainerRecord): void;
  /** It stands still: no probes, and one that runs is dropped. */
  suspend(id: string): void;
  unsuspend(id: string): void;
  /** It has ended, and is unhealthy therefore, as Docker has it. */
  end(id: string): void;
  forget(id: string): void;
  /** Ends all probes; the next engine goes on. */
  close(): void;
}

export interface HealthDeps {
  readonly clock: Clock;
  /** What was saved, by container. */
  readonly saved: ReadonlyMap<string, Health>;
  save(id: string, health: Health): void;
  /** Whether there are early probes. */
  readonly early: boolean;
  /** Runs one probe; never throws. Resolves when its process is gone. */
  probe(record: ContainerRecord, plan: HealthPlan, signal: AbortSignal, kind: ProbeKind): Promise<ProbeResult>;
  /** Told of every change, after it is saved. */
  changed(record: ContainerRecord, health: Health): void;
}

export type ProbeKind = 'regular' | 'early';

interface Monitored {
  readonly record: ContainerRecord;
  readonly plan: HealthPlan;
  /** On the clock. */
  readonly startedAt: number;
  /** When the next regular probe is due, on the clock. */
  regularAt: number;
  /** Whether a probe counted since the start: there are no early ones any more. */
  counted: boolean;
  timer: Disposable | undefined;
  probe: AbortController | undefined;
}

export function createHealthMonitors(deps: HealthDeps): HealthMonitors {
  const { clock } = deps;
  const known = new Map(deps.saved);
  const monitored = new Map<string, Monitored>();

  const keep = (id: string, health: Health): void => {
    known.set(id, health);
    deps.save(id, health);
  };
  const halt = (one: Monitored | undefined): void => {
    one?.timer?.[Symbol.dispose]();
    one?.probe?.abort();
    if (one) Object.assign(one, { timer: undefined, probe: undefined });
  };
  const sinceStart = (one: Monitored): number => clock.now() - one.startedAt;
  const arm = (one: Monitored): void => {
    one.timer?.[Symbol.dispose]();
    const now = sinceStart(one);
    const early = deps.early && !one.counted ? nextEarly(now, one.regularAt - one.startedAt) : undefined;
    one.timer =
      early === undefined
        ? clock.setTimer(one.regularAt - clock.now(), () => void check(one))
        : clock.setTimer(early - now, () => void checkEarly(one));
  };
  const armIn = (one: Monitored, wait = untilNext(healthOf(one), one.plan, sinceStart(one))): void => {
    one.regularAt = clock.now() + wait;
    arm(one);
  };
  const healthOf = (one: Monitored): Health => known.get(one.record.id) ?? healthAtStart(undefined);
  const check = async (one: Monitored): Promise<void> => {
    one.timer = undefined;
    one.probe = new AbortController();
    const { signal } = one.probe;
    const began = sinceStart(one);
    const result = await deps.probe(one.record, one.plan, signal, 'regular');
    if (signal.aborted) return; // the container ended or stands still: what the probe found says nothing
    one.probe = undefined;
    count(one, result, began);
  };
  const checkEarly = async (one: Monitored): Promise<void> => {
    const probe = new AbortController();
    one.probe = probe;
    one.timer = clock.setTimer(one.regularAt - clock.now(), () => probe.abort());
    const began = sinceStart(one);
    const result = await deps.probe(one.record, one.plan, probe.signal, 'early');
    if (one.probe !== probe) return; // as above
    one.timer[Symbol.dispose]();
    one.probe = undefined;
    if (probe.signal.aborted) await check(one);
    else if (result.exitCode === 0) count(one, result, began);
    else arm(one);
  };
  const count = (one: Monitored, result: ProbeResult, began: number): void => {
    one.counted = true;
    const before = healthOf(one);
    const health = afterProbe(before, result, one.plan, began);
    keep(one.record.id, health);
    armIn(one);
    if (health.status !== before.status) deps.changed(one.record, health);
  };
  const monitor = (record: ContainerRecord, startedAt: number): Monitored | undefined => {
    halt(monitored.get(record.id));
    const plan = healthPlan(record.config);
    if (!plan) return undefined;
    const nothing = { timer: undefined, probe: undefined };
    const one: Monitored = { record, plan, startedAt, regularAt: startedAt, counted: false, ...nothing };
    monitored.set(record.id, one);
    return one;
  };

  return {
    of: (id) => known.get(id),
    begin(record) {
      const one = monitor(record, clock.now());
      if (!one) return;
      keep(record.id, healthAtStart(known.get(record.id)));
      armIn(one);
    },
    resume(record) {
      const start = Date.parse(record.state.startedAt);
      const running = Math.max(0, Date.now() - start);
      const one = monitor(record, clock.now() - running);
      if (!one) return;
      if (!known.has(record.id)) keep(record.id, healthAtStart(undefined));
      const health = healthOf(one);
      const probed = Date.parse(health.log.at(-1)?.end ?? record.state.startedAt);
      const last = Math.max(start, probed); // the log reaches back beyond the start
      one.counted = health.status !== 'starting' || probed > start;
      const wait = untilNext(health, one.plan, running);
      if (record.state.status === 'running') armIn(one, Math.min(Math.max(wait - (Date.now() - last), 0), wait));
    },
    suspend: (id) => halt(monitored.get(id)),
    unsuspend(id) {
      const one = monitored.get(id);
      if (one) armIn(one);
    },
    end(id) {
      const one = monitored.get(id);
      if (!one) return;
      halt(one);
      monitored.delete(id);
      keep(id, { ...healthOf(one), status: 'unhealthy' });
    },
    forget(id) {
      halt(monitored.get(id));
      monitored.delete(id);
      known.delete(id);
    },
    close() {
      for (const one of monitored.values()) halt(one);
      monitored.clear();
    },
  };
}
