import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { formatDuration } from '../formats/duration.ts';
import type { HealthPlan } from './health-plan.ts';
import type { ProbeResult } from './health-state.ts';

/** A probe's process. */
export interface RunningProbe {
  /** Has every piece of its output told, also what it wrote already. */
  onOutput(listener: (data: Uint8Array) => void): void;
  /** Resolves with its exit code once it has ended and all its output was told. */
  readonly ended: Promise<number>;
  /** Idempotent. */
  kill(): void;
}

/** Milliseconds that starting a probe may take: that is the machine's time, and no sign of health. */
const STARTING_LIMIT = 30_000;
/** Bytes of output that are kept, as Docker keeps. */
const OUTPUT_LIMIT = 4096;

/**
 * Runs a probe to its end, or kills it after the plan's timeout, or at once when `signal` aborts. Never throws: what
 * goes wrong is the result. Resolves when its process is gone.
 */
export async function runProbe(
  clock: Clock,
  plan: HealthPlan,
  begin: () => Promise<RunningProbe>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const start = new Date().toISOString();
  const output = boundedOutput();
  const result = (exitCode: number, text: string): ProbeResult => {
    return { start, end: new Date().toISOString(), exitCode, output: text };
  };
  const beginning = begin();
  try {
    const probe = await within(clock, STARTING_LIMIT, beginning, signal);
    if (probe === undefined) {
      beginning.then((late) => late.kill()).catch(() => {}); // it failed, which is as good
      return result(-1, 'timed out starting health check');
    }
    probe.onOutput(output.add);
    const code = await within(clock, plan.timeout, probe.ended, signal);
    if (code !== undefined) return result(code, output.text());
    probe.kill();
    await probe.ended;
  } catch (error) {
    return result(-1, messageOf(error));
  }
  const exceeded = `Health check exceeded timeout (${formatDuration(BigInt(Math.round(plan.timeout * 1e6)))})`;
  return result(-1, [exceeded, output.text()].filter(Boolean).join(': '));
}

/** What `work` resolves with, or undefined when the time is over first, or it is called off. */
async function within<T>(clock: Clock, limit: number, work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const give = (): void => over.resolve(undefined);
  signal.addEventListener('abort', give, { once: true });
  if (signal.aborted) give();
  using _timer = clock.setTimer(limit, give);
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

function boundedOutput() {
  const pieces: Buffer[] = [];
  let length = 0;
  let cut = false;
  return {
    add(data: Uint8Array): void {
      const room = OUTPUT_LIMIT - length;
      cut ||= data.length > room;
      const piece = Buffer.from(data.subarray(0, room));
      length += piece.length;
      if (piece.length > 0) pieces.push(piece);
    },
    text: (): string => Buffer.concat(pieces).toString() + (cut ? '...' : ''),
  };
}
