import type { ContainerWhy, WhyCommand, WhyHealth } from '../../api/types/container-why.ts';
import { isKind } from '../../base/errors.ts';
import { readLines } from '../../logs/last-lines.ts';
import { type ContainerContext, cgroupPathOf } from '../context.ts';
import { openFiles } from '../copy/view.ts';
import { readLog } from '../logging.ts';
import { type ContainerRecord, isRunning } from '../record.ts';
import { examineCommand } from './command.ts';
import { endOf, isFailedStart } from './end.ts';
import { type Run, runsOf } from './runs.ts';

/** Lines of output that are told. */
const lines = 10;
const forever = (1n << 63n) - 1n;

/** Tells how a container came to its state: from its record, the history of events, its files and its log. Changes nothing. */
export async function whyOf(
  context: ContainerContext,
  record: ContainerRecord,
  signal: AbortSignal,
): Promise<ContainerWhy> {
  const runs = await runsOf(context.events.past(0n, forever), record.id);
  const { state, host } = record;
  return {
    Id: record.id,
    Name: record.name,
    Image: record.imageName,
    Status: state.status,
    Since: since(record),
    Error: state.error,
    End: endOf(record, runs),
    Memory: memoryOf(context, record),
    Health: healthOf(context, record),
    Command: isSuspect(record) ? await commandOf(context, record) : null,
    Restarts: {
      Policy: host.RestartPolicy?.Name || 'no',
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
      Count: state.restartCount,
      Wait: state.backoff,
    },
    Runs: runs.map(shownRun),
    Output: await lastOutput(context, record, signal),
  };
}

function since(record: ContainerRecord): string {
  const { created, state } = record;
  const { status, startedAt, finishedAt } = state;
  if (isFailedStart(record)) return created;
  if (status === 'running' || status === 'paused') return startedAt;
  return status === 'created' || finishedAt.startsWith('0001') ? created : finishedAt;
}

function memoryOf(context: ContainerContext, record: ContainerRecord): ContainerWhy['Memory'] {
  const use = isRunning(record) ? context.cgroups.memory(cgroupPathOf(context, record)) : record.state.memory;
  return use ? { Limit: use.limit, Peak: use.peak, OOMKills: use.oomKills } : null;
}

function healthOf(context: ContainerContext, record: ContainerRecord): WhyHealth | null {
  const health = context.health.of(record.id);
  if (!health) return null;
  const failed = health.log.findLast(({ exitCode }) => exitCode !== 0);
  return {
    Status: health.status,
    FailingStreak: health.failingStreak,
    Test: record.config.Healthcheck?.Test ?? [],
    Failed: failed ? { Start: failed.start, End: failed.end, ExitCode: failed.exitCode, Output: failed.output } : null,
  };
}

/** The codes of what could not be run: the runtime's, shells' and the dynamic loader's. crun's is 1. */
function isSuspect(record: ContainerRecord): boolean {
  if (isRunning(record)) return false;
  const { exitCode, startedAt, finishedAt } = record.state;
  return (
    [126, 127, 128].includes(exitCode) || (exitCode === 1 && Date.parse(finishedAt) - Date.parse(startedAt) < 1000)
  );
}

/** Left out where the files cannot be seen: it is being started or removed, or what kept it from starting (a bind) stands in the way here too. */
async function commandOf(context: ContainerContext, record: ContainerRecord): Promise<WhyCommand | null> {
  try {
    const files = await openFiles(context, record);
    try {
      const { WorkingDir = '', Env = [] } = record.config;
      return examineCommand(`/proc/self/fd/${files.root}`, { name: record.path, workingDir: WorkingDir, env: Env });
    } finally {
      await files.release();
    }
  } catch (error) {
    context.log.debug('the files of a container cannot be looked at', { container: record.id, error });
    return null;
  }
}

async function lastOutput(
  context: ContainerContext,
  record: ContainerRecord,
  signal: AbortSignal,
): Promise<ContainerWhy['Output']> {
  try {
    const { batches } = readLog(context, record, { stdout: true, stderr: true, tail: lines, follow: false }, signal);
    return (await readLines(batches)).map(({ stream, text }) => ({ Stream: stream, Line: text })).slice(-lines);
  } catch (error) {
    if (isKind(error, 'unsupported')) return []; // nothing is kept
    throw error;
  }
}

const shownRun = (run: Run) => ({
  Started: run.started ?? null,
  Ended: run.ended ?? null,
  ExitCode: run.exitCode ?? null,
  OOMKilled: run.oomKilled,
  Signals: run.signals,
});
