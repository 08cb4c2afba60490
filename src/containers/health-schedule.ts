import type { Clock } from '../base/clock.ts';
import type { HealthPlan } from './health-plan.ts';
import { nextEarly, type ProbeResult } from './health-state.ts';
import type { ContainerRecord } from './record.ts';

/**
 * When the health of a running container is looked at. Between two probes there is one timer and nothing else.
 *
 * Docker's first probe comes a whole interval after the start. Before it there are early ones, of which only a success
 * counts: that makes the container healthy, and the next probe follows an interval later. One that fails leaves no
 * trace. One that still runs when the first regular probe is due is ended for it, so that nothing is ever found later
 * than Docker finds it.
 */
export interface ProbeSchedule {
  /** The next regular probe is due in `wait` milliseconds, early ones before it while none has counted. */
  next(one: Monitored, wait: number): void;
  /** No more probes, and one that runs is dropped. Harmless for one that is halted. */
  halt(one: Monitored | undefined): void;
}

export type ProbeKind = 'regular' | 'early';

/** A container whose health is looked at. */
export interface Monitored {
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

export interface ScheduleDeps {
  readonly clock: Clock;
  /** Whether there are early probes. */
  readonly early: boolean;
  /** Runs one probe; never throws. Resolves when its process is gone. */
  probe(record: ContainerRecord, plan: HealthPlan, signal: AbortSignal, kind: ProbeKind): Promise<ProbeResult>;
  /** A probe that counts has ended, which began `began` milliseconds after the start. It says when the `next` is. */
  count(one: Monitored, result: ProbeResult, began: number): void;
}

export function createProbeSchedule({ clock, early, probe, count }: ScheduleDeps): ProbeSchedule {
  const sinceStart = (one: Monitored): number => clock.now() - one.startedAt;

  const arm = (one: Monitored): void => {
    one.timer?.[Symbol.dispose]();
    const now = sinceStart(one);
    const at = early && !one.counted ? nextEarly(now, one.regularAt - one.startedAt) : undefined;
    one.timer =
      at === undefined
        ? clock.setTimer(one.regularAt - clock.now(), () => void check(one))
        : clock.setTimer(at - now, () => void checkEarly(one));
  };
  const check = async (one: Monitored): Promise<void> => {
    one.timer = undefined;
    one.probe = new AbortController();
    const { signal } = one.probe;
    const began = sinceStart(one);
    const result = await probe(one.record, one.plan, signal, 'regular');
    if (signal.aborted) return; // the container ended or stands still: what the probe found says nothing
    one.probe = undefined;
    count(one, result, began);
  };
  const checkEarly = async (one: Monitored): Promise<void> => {
    const running = new AbortController();
    one.probe = running;
    one.timer = clock.setTimer(one.regularAt - clock.now(), () => running.abort());
    const began = sinceStart(one);
    const result = await probe(one.record, one.plan, running.signal, 'early');
    if (one.probe !== running) return; // as above
    one.timer[Symbol.dispose]();
    one.probe = undefined;
    if (running.signal.aborted) await check(one);
    else if (result.exitCode === 0) count(one, result, began);
    else arm(one);
  };

  return {
    next(one, wait) {
      one.regularAt = clock.now() + wait;
      arm(one);
    },
    halt(one) {
      one?.timer?.[Symbol.dispose]();
      one?.probe?.abort();
      if (one) Object.assign(one, { timer: undefined, probe: undefined });
    },
  };
}
