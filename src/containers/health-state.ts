import type { HealthPlan } from './health-plan.ts';

/** What is known of a container's health. */
export interface Health {
  readonly status: 'starting' | 'healthy' | 'unhealthy';
  readonly failingStreak: number;
  /** The last probes, oldest first. */
  readonly log: readonly ProbeResult[];
}

export interface ProbeResult {
  /** RFC 3339. */
  readonly start: string;
  readonly end: string;
  /** -1 when it was killed, or could not be run. */
  readonly exitCode: number;
  readonly output: string;
}

/** Probes that are remembered. */
const KEPT = 5;

/** Health at a start. What was found before it stays in the log. */
export const healthAtStart = (before: Health | undefined): Health => ({
  status: 'starting',
  failingStreak: 0,
  log: before?.log ?? [],
});

/** Health after a probe that began `sinceStart` milliseconds after the container. */
export function afterProbe(health: Health, result: ProbeResult, plan: HealthPlan, sinceStart: number): Health {
  const log = [...health.log, result].slice(-KEPT);
  if (result.exitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  if (health.status === 'starting' && sinceStart < plan.startPeriod) return { ...health, log };
  const failingStreak = health.failingStreak + 1;
  return { status: failingStreak >= plan.retries ? 'unhealthy' : health.status, failingStreak, log };
}

/** The first early probe, in milliseconds after the start; each next one comes after twice the time. */
const FIRST_EARLY = 250;
/** Milliseconds that are left between one early probe and the next. */
const REST = 50;

/**
 * When to probe early, before the first regular probe, which comes `regular` milliseconds after the start; undefined
 * when there is no moment left. In milliseconds after the start, as is `now`.
 */
export function nextEarly(now: number, regular: number): number | undefined {
  let moment = FIRST_EARLY;
  while (moment < now + REST) moment *= 2;
  return moment + FIRST_EARLY <= regular ? moment : undefined;
}

/** Milliseconds from now to the next regular probe, `sinceStart` milliseconds after the start. */
export const untilNext = (health: Health, plan: HealthPlan, sinceStart: number): number =>
  health.status === 'starting' && sinceStart < plan.startPeriod ? plan.startInterval : plan.interval;
