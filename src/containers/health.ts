import { healthPlan } from './health-plan.ts';
import { createProbeSchedule, type Monitored, type ScheduleDeps } from './health-schedule.ts';
import { afterProbe, type Health, healthAtStart, untilNext } from './health-state.ts';
import type { ContainerRecord } from './record.ts';

/** What checks the health of running containers, at the times of `health-schedule.ts`. */
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

export interface HealthDeps extends Omit<ScheduleDeps, 'count'> {
  /** What was saved, by container. */
  readonly saved: ReadonlyMap<string, Health>;
  save(id: string, health: Health): void;
  /** Told of every change, after it is saved. */
  changed(record: ContainerRecord, health: Health): void;
}

export function createHealthMonitors(deps: HealthDeps): HealthMonitors {
  const { clock } = deps;
  const known = new Map(deps.saved);
  const monitored = new Map<string, Monitored>();
  const healthOf = (one: Monitored): Health => known.get(one.record.id) ?? healthAtStart(undefined);
  const keep = (id: string, health: Health): void => {
    known.set(id, health);
    deps.save(id, health);
  };
  const schedule = createProbeSchedule({
    ...deps,
    count(one, result, began) {
      one.counted = true;
      const before = healthOf(one);
      const health = afterProbe(before, result, one.plan, began);
      keep(one.record.id, health);
      follow(one);
      if (health.status !== before.status) deps.changed(one.record, health);
    },
  });
  const follow = (one: Monitored): void =>
    schedule.next(one, untilNext(healthOf(one), one.plan, clock.now() - one.startedAt));
  const monitor = (record: ContainerRecord, startedAt: number): Monitored | undefined => {
    schedule.halt(monitored.get(record.id));
    const plan = healthPlan(record.config);
    if (!plan) return undefined;
    const nothing = { timer: undefined, probe: undefined };
    const one: Monitored = { record, plan, startedAt, regularAt: startedAt, counted: false, ...nothing };
    monitored.set(record.id, one);
    return one;
  };
  const drop = (id: string): void => {
    schedule.halt(monitored.get(id));
    monitored.delete(id);
  };

  return {
    of: (id) => known.get(id),
    begin(record) {
      const one = monitor(record, clock.now());
      if (!one) return;
      keep(record.id, healthAtStart(known.get(record.id)));
      follow(one);
    },
    resume(record) {
      const running = Math.max(0, Date.now() - Date.parse(record.state.startedAt));
      const one = monitor(record, clock.now() - running);
      if (!one) return;
      if (!known.has(record.id)) keep(record.id, healthAtStart(undefined));
      const { counted, wait } = whereItWas(healthOf(one), one, running);
      one.counted = counted;
      if (record.state.status === 'running') schedule.next(one, wait);
    },
    suspend: (id) => schedule.halt(monitored.get(id)),
    unsuspend(id) {
      const one = monitored.get(id);
      if (one) follow(one);
    },
    end(id) {
      const one = monitored.get(id);
      if (!one) return;
      drop(id);
      keep(id, { ...healthOf(one), status: 'unhealthy' });
    },
    forget(id) {
      drop(id);
      known.delete(id);
    },
    close() {
      for (const one of monitored.values()) schedule.halt(one);
      monitored.clear();
    },
  };
}

/** Whether a probe counted since the start, and the milliseconds until the next, of what has run for `running` of them. */
function whereItWas(health: Health, { record: { state }, plan }: Monitored, running: number) {
  const start = Date.parse(state.startedAt);
  const probed = Date.parse(health.log.at(-1)?.end ?? state.startedAt);
  const last = Math.max(start, probed); // the log reaches back beyond the start
  const wait = untilNext(health, plan, running);
  return {
    counted: health.status !== 'starting' || probed > start,
    wait: Math.min(Math.max(wait - (Date.now() - last), 0), wait),
  };
}
