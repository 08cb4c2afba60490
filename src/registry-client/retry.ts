import { setTimeout as sleep } from 'node:timers/promises';
import { TugError } from '../base/errors.ts';
import { cancelled } from './transport.ts';

export interface RetryPolicy {
  /** Tries in a row without progress, the first included. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubles with each further one. */
  readonly firstDelay: number;
  /** Milliseconds, also for a `Retry-After` of the server: a longer one is not waited for. */
  readonly longestDelay: number;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 5, firstDelay: 250, longestDelay: 15_000 };

/** Errors that another try may mend. The work must be idempotent. */
export function isPassing(error: unknown): error is TugError {
  return (
    error instanceof TugError &&
    ['connection-cut', 'registry-timeout', 'registry-busy', 'registry-failed'].includes(error.code)
  );
}

/**
 * Milliseconds to wait before try `attempt + 1`, or undefined to give up: half of the exponential step is
 * fixed, half random, so that clients cut at the same moment do not return together.
 */
export function delayAfter(
  error: TugError,
  attempt: number,
  policy: RetryPolicy,
  random = Math.random,
): number | undefined {
  if (attempt >= policy.attempts || !isPassing(error)) return undefined;
  const step = Math.min(policy.firstDelay * 2 ** (attempt - 1), policy.longestDelay);
  const asked = error.details['retryAfter'];
  const least = typeof asked === 'number' ? asked * 1000 : 0;
  if (least > policy.longestDelay) return undefined;
  return Math.max(least, step / 2 + (step / 2) * random());
}

/** Waits. @throws cancelled when the signal fires first. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    throw cancelled(signal);
  }
}

/** Runs idempotent `work` until it succeeds, fails for good, or the policy's bounds are reached; then throws its last error. */
export async function retrying<T>(work: () => Promise<T>, policy: RetryPolicy, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const wait = error instanceof TugError ? delayAfter(error, attempt, policy) : undefined;
      if (wait === undefined) throw error;
      await pause(wait, signal);
    }
  }
}
