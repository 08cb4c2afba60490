import type { WhyEnd } from '../../api/types/container-why.ts';
import { signalName } from '../../base/process.ts';
import { type ContainerRecord, isRunning, LOST_SENTENCE } from '../record.ts';
import type { Run } from './runs.ts';

const SIGKILL = 9;

/** True when the last start went wrong: what the state says of an end is that of the attempt. */
export const isFailedStart = ({ state }: ContainerRecord): boolean =>
  state.status !== 'running' && state.error !== '' && state.error !== LOST_SENTENCE;

/** How a container's last run ended, and by whom; null when none has ended. */
export function endOf(record: ContainerRecord, runs: readonly Run[]): WhyEnd | null {
  if (isRunning(record) || isFailedStart(record)) {
    const run = runs.findLast(({ ended }) => ended !== undefined);
    return run ? formerEnd(run) : null;
  }
  const run = runs.at(-1);
  const { finishedAt, startedAt, exitCode } = record.state;
  if (startedAt.startsWith('0001') || finishedAt.startsWith('0001')) return null;
  const signal = signalOf(exitCode);
  return {
    FinishedAt: finishedAt,
    Ran: Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)) / 1000,
    ExitCode: exitCode,
    Signal: signal,
    Cause: causeOf(record, signal?.Number, run),
  };
}

/** The end before the run that is going on, from the history alone. */
function formerEnd(run: Run): WhyEnd {
  const [code, ended] = [run.exitCode ?? 0, run.ended ?? ''];
  const signal = signalOf(code);
  return {
    FinishedAt: ended,
    Ran: run.started === undefined ? 0 : (Date.parse(ended) - Date.parse(run.started)) / 1000,
    ExitCode: code,
    Signal: signal,
    Cause: run.oomKilled ? 'oom' : causeBySignals(signal?.Number, run),
  };
}

function causeOf({ state }: ContainerRecord, signal: number | undefined, run: Run | undefined): WhyEnd['Cause'] {
  if (state.error === LOST_SENTENCE) return 'lost';
  if (state.oomKilled) return 'oom';
  if (state.asked === 'unhealthy') return 'unhealthy';
  if (state.asked === 'restart') return 'restart';
  const bySignals = causeBySignals(signal, run);
  // the history may have forgotten what the record knows
  if (state.asked === 'stop' && !['stop', 'kill', 'stop-timeout'].includes(bySignals)) return 'stop';
  return bySignals;
}

function causeBySignals(signal: number | undefined, run: Run | undefined): WhyEnd['Cause'] {
  const signals = run?.signals ?? [];
  if (run?.stopped) return signals.length > 1 && signals.at(-1) === SIGKILL ? 'stop-timeout' : 'stop';
  if (signal !== undefined) return signals.includes(signal) ? 'kill' : 'outside';
  return 'itself';
}

/** A code above 128 is a signal's number and 128, as shells have it. */
function signalOf(code: number): WhyEnd['Signal'] {
  const number = code - 128;
  const name = number >= 1 && number <= 64 ? signalName(number) : undefined;
  return name === undefined ? null : { Number: number, Name: name };
}
