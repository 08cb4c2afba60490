import type { Clock } from '../base/clock.ts';
import { type HealthPlan, healthPlan } from './health-plan.ts';
import { afterProbe, type Health, healthAtStart, type ProbeResult, untilNext } from './health-state.ts';
import type { ContainerRecord } from './record.ts';

/** What checks the health of running containers. Between two probes of a container there is one timer and nothing else. */
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
  /** Runs one probe; never throws. */
  probe(record: ContainerRecord, plan: HealthPlan, signal: AbortSignal): Promise<ProbeResult>;
  /** Told of every change, after it is saved. */
  changed(record: ContainerRecord, health: Health): void;
}

interface Monitored {
  readonly record: ContainerRecord;
  readonly plan: HealthPlan;
  /** On the clock. */
  readonly startedAt: number;
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
  const arm = (one: Monitored, wait = untilNext(healthOf(one), one.plan, clock.now() - one.startedAt)): void => {
    one.timer?.[Symbol.dispose]();
    one.timer = clock.setTimer(wait, () => void check(one));
  };
  const healthOf = (one: Monitored): Health => known.get(one.record.id) ?? healthAtStart(undefined);
  const check = async (one: Monitored): Promise<void> => {
    one.timer = undefined;
    one.probe = new AbortController();
    const { signal } = one.probe;
    const sinceStart = clock.now() - one.startedAt;
    const result = await deps.probe(one.record, one.plan, signal);
    if (signal.aborted) return; // the container ended or stands still: what the probe found says nothing
    one.probe = undefined;
    const before = healthOf(one);
    const health = afterProbe(before, result, one.plan, sinceStart);
    keep(one.record.id, health);
    arm(one);
    if (health.status !== before.status) deps.changed(one.record, health);
  };
  const monitor = (record: ContainerRecord, startedAt: number): Monitored | undefined => {
    halt(monitored.get(record.id));
    const plan = healthPlan(record.config);
    if (!plan) return undefined;
    const one: Monitored = { record, plan, startedAt, timer: undefined, probe: undefined };
    monitored.set(record.id, one);
    return one;
  };

  return {
    of: (id) => known.get(id),
    begin(record) {
      const one = monitor(record, clock.now());
      if (!one) return;
      keep(record.id, healthAtStart(known.get(record.id)));
      arm(one);
    },
    resume(record) {
      const running = Math.max(0, Date.now() - Date.parse(record.state.startedAt));
      const one = monitor(record, clock.now() - running);
      if (!one) return;
      if (!known.has(record.id)) keep(record.id, healthAtStart(undefined));
      const wait = untilNext(healthOf(one), one.plan, running);
      const last = Date.parse(known.get(record.id)?.log.at(-1)?.end ?? record.state.startedAt);
      if (record.state.status === 'running') arm(one, Math.min(Math.max(wait - (Date.now() - last), 0), wait));
    },
    suspend: (id) => halt(monitored.get(id)),
    unsuspend(id) {
      const one = monitored.get(id);
      if (one) arm(one);
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
