import type { ContainerConfig } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';

/** How a container's health is checked. Times in milliseconds. */
export interface HealthPlan {
  readonly command: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  /** While it never was healthy, failures in this time after its start do not count. */
  readonly startPeriod: number;
  /** Between two checks in that time. */
  readonly startInterval: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
}

type Healthcheck = NonNullable<ContainerConfig['Healthcheck']>;

const defaults = { interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5_000, retries: 3 };
const nanoseconds = 1_000_000;

/** What to do for a configuration that was checked; undefined when health is not checked. */
export function healthPlan({ Healthcheck: check, Shell: shell }: ContainerConfig): HealthPlan | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (!check || (kind !== 'CMD' && kind !== 'CMD-SHELL') || words.length === 0) return undefined;
  // an image may say anything; what a request says was checked
  const time = (given: unknown, otherwise: number): number =>
    typeof given === 'number' && given >= nanoseconds ? given / nanoseconds : otherwise;
  const { Retries: retries } = check;
  return {
    command: kind === 'CMD' ? words : [...(shell?.length ? shell : ['/bin/sh', '-c']), ...words],
    interval: time(check.Interval, defaults.interval),
    timeout: time(check.Timeout, defaults.timeout),
    startPeriod: time(check.StartPeriod, defaults.startPeriod),
    startInterval: time(check.StartInterval, defaults.startInterval),
    retries: typeof retries === 'number' && retries > 0 ? retries : defaults.retries,
  };
}

/** Completes a request's health check from the image's, as Docker does: field by field, what is not set. */
export function mergeHealthcheck(own: Healthcheck | undefined, image: Healthcheck | undefined) {
  if (!own || !image) return own ?? image;
  const set = Object.entries(own).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : Boolean(value)));
  return { ...image, ...(Object.fromEntries(set) as Healthcheck) };
}

/** @throws invalid, where Docker has words for it in those. */
export function checkHealthcheck(check: Healthcheck | undefined): void {
  if (!check) return;
  const [kind, ...words] = check.Test ?? [];
  if (kind !== undefined && !['', 'NONE', 'CMD', 'CMD-SHELL'].includes(kind))
    throw invalid(`Test in Healthcheck must begin with CMD, CMD-SHELL or NONE, not ${JSON.stringify(kind)}`);
  if ((kind === 'CMD' || kind === 'CMD-SHELL') && words.length === 0)
    throw invalid(`Test in Healthcheck has no command after ${kind}`);
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = check[field] ?? 0;
    if (value !== 0 && value < nanoseconds) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((check.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
}
