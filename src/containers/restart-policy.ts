import type { HostConfig } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import type { ContainerRecord } from './record.ts';

/** Docker's back-off, in milliseconds: doubled with every restart, and begun anew after a run of ten seconds. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 60_000;
const GOOD_RUN = 10_000;

const policies = ['no', 'always', 'on-failure', 'unless-stopped'] as const;

/** What a policy decides by. */
export interface Ended {
  /** It ended by a fault: with another code than 0, or because it was unhealthy. */
  readonly failed: boolean;
  /** Restarts by policy since somebody started it. */
  readonly restarts: number;
  /** A user stopped or killed it. */
  readonly stopped: boolean;
}

/** The wait before the next restart: `before` is the wait before the last one, 0 for none; `ran` how long it ran since. */
export function nextWait(before: number, ran: number): number {
  if (before === 0 || ran >= GOOD_RUN) return FIRST_WAIT;
  return Math.min(before * 2, LONGEST_WAIT);
}

/** Whether a container that just ended is started again. */
export function restartsAfterEnd(policy: HostConfig['RestartPolicy'], ended: Ended): boolean {
  return !ended.stopped && wants(policy, ended);
}

/**
 * Whether a container that stands still is started with the engine. As in Docker, `always` is, also when a user
 * stopped it, and so is `on-failure` when its last code was not 0 and restarts are left.
 */
export function startsWithEngine(policy: HostConfig['RestartPolicy'], ended: Ended): boolean {
  return wants(policy, ended);
}

function wants(policy: HostConfig['RestartPolicy'], { failed, restarts, stopped }: Ended): boolean {
  const most = policy?.MaximumRetryCount ?? 0;
  if (policy?.Name === 'always') return true;
  if (policy?.Name === 'unless-stopped') return !stopped;
  return policy?.Name === 'on-failure' && failed && (most === 0 || restarts < most);
}

/** Whether a container that is unhealthy is restarted: it was made with `--restart-on-unhealthy`, and its policy has restarts left. */
export function isRestartedUnhealthy({ host, state }: ContainerRecord): boolean {
  const ended = { failed: true, restarts: state.restartCount, stopped: false };
  return Boolean(host.RestartOnUnhealthy) && restartsAfterEnd(host.RestartPolicy, ended);
}

export const hasRestartPolicy = (host: HostConfig): boolean => !['', 'no'].includes(host.RestartPolicy?.Name ?? '');

/** @throws invalid, in Docker's words, for a policy that is none or does not go with the rest. */
export function checkRestartPolicy(host: HostConfig): void {
  const { Name: name = '', MaximumRetryCount: most = 0 } = host.RestartPolicy ?? {};
  if (name !== '' && !(policies as readonly string[]).includes(name)) {
    const [last, ...others] = [...policies].reverse().map((policy) => `'${policy}'`);
    throw invalid(
      `invalid restart policy: unknown policy '${name}'; use one of ${others.reverse().join(', ')}, or ${last}`,
    );
  }
  if (name === 'on-failure' && most < 0)
    throw invalid('invalid restart policy: maximum retry count cannot be negative');
  if (name !== 'on-failure' && name !== '' && most !== 0) {
    const negative = most < 0 ? ' and cannot be negative' : '';
    throw invalid(`invalid restart policy: maximum retry count can only be used with 'on-failure'${negative}`);
  }
  if (host.AutoRemove && hasRestartPolicy(host))
    throw invalid("can't create 'AutoRemove' container with restart policy");
}
