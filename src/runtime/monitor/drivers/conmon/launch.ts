import { closeSync, rmSync } from 'node:fs';
import path from 'node:path';
import { internal } from '../../../../base/errors.ts';
import { createPipe } from '../../../../host/adopted-fd.ts';
import { killMonitorAndChildren } from '../../../../host/process-tree.ts';
import { contentOf, hasHung, memoryFile, type Spawned, spawnProgram } from '../../../../host/spawn.ts';
import type { Runtime } from '../../../contract.ts';
import { baseEnvironment } from '../../../environment.ts';
import { type Lines, openLines } from './lines.ts';

/** What is the same for a container's monitor and an exec's. */
export interface Launch {
  readonly conmon: string;
  readonly id: string;
  /** The session: the container's id, or the exec's. */
  readonly session: string;
  readonly folder: string;
  readonly runtime: Runtime;
  /** Put before the runtime's own arguments, when something has to run in front of it. */
  readonly runtimePath?: string;
  readonly runtimeArgs?: readonly string[];
  readonly log: string | undefined;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Further descriptors, and conmon's own pipes by their environment variable. */
  readonly inherit?: readonly number[];
}

export interface Launched extends Spawned {
  /** conmon's reports, one JSON object each: the pid, or a failure; an exec's exit code after it. */
  readonly reports: Lines;
  /** What conmon itself complained of before it went to the background. */
  complaints(): string;
  /** Closes the engine's ends of the reports and complaints. conmon goes on. */
  close(): void;
}

/**
 * Starts conmon, which starts the runtime. It stays the engine's child (`--sync`), so that the engine reaps it,
 * and outlives the engine all the same, since it is a session of its own.
 */
export function launch(options: Launch): Launched {
  const [reportsRead, reportsWrite] = createPipe();
  const complaints = memoryFile();
  const { runtime } = options;
  // `PERSIST/exit` gets the exit code; an old one would be taken for this run's.
  rmSync(path.join(options.folder, 'exit'), { force: true });
  const args = [
    ...['--sync', '--api-version', '--full-attach', '--no-sync-log'],
    ...['-c', options.id, '-u', options.session, '-n', options.session],
    ...['-b', options.folder, '-p', path.join(options.folder, 'pid'), '--persist-dir', options.folder],
    ...['-l', options.log === undefined ? 'none' : `k8s-file:${options.log}`],
    ...['-r', options.runtimePath ?? runtime.path],
    ...[...(options.runtimeArgs ?? []), ...runtime.globalArgs].map((arg) => `--runtime-arg=${arg}`),
    ...options.args,
  ];
  try {
    const spawned = spawnProgram(options.conmon, args, {
      stdio: [undefined, undefined, complaints],
      inherit: [reportsWrite, ...(options.inherit ?? [])],
      env: { ...baseEnvironment(), ...options.env, _OCI_SYNCPIPE: String(reportsWrite) },
    });
    const reports = openLines(reportsRead);
    return {
      ...spawned,
      reports,
      complaints: () => contentOf(complaints),
      close() {
        reports.close();
        closeSync(complaints);
      },
    };
  } catch (error) {
    closeSync(reportsRead);
    closeSync(complaints);
    throw error;
  } finally {
    closeSync(reportsWrite);
  }
}

/** One of conmon's reports. `data` is a pid or exit code; negative with the runtime's words for a failure. */
export interface Report {
  readonly data: number;
  readonly message: string;
}

/**
 * The runtime's report. A runtime that takes longer than its limit, or is called off by `signal`, is killed with its
 * monitor. @throws unavailable, or the signal's reason.
 */
export async function reportInTime(
  launched: Launched,
  runtime: Runtime,
  signal?: AbortSignal,
): Promise<Report | undefined> {
  let fault: unknown;
  const end = (why: unknown): void => {
    fault ??= why;
    killMonitorAndChildren(launched.pid);
  };
  const callOff = (): void => end(signal?.reason);
  const timer = setTimeout(() => end(hasHung(`the OCI runtime ${runtime.name}`, runtime.limit)), runtime.limit);
  signal?.addEventListener('abort', callOff);
  if (signal?.aborted) callOff();
  try {
    const report = await nextReport(launched.reports);
    if (fault === undefined) return report;
    await launched.exited;
    throw fault;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', callOff);
  }
}

/** The next report, or undefined at their end: the runtime, or conmon, failed without a word. */
export async function nextReport(lines: Lines): Promise<Report | undefined> {
  const line = await lines.next();
  if (line === undefined) return undefined;
  try {
    const { data, message } = JSON.parse(line) as { data?: unknown; message?: unknown };
    if (typeof data === 'number') return { data, message: typeof message === 'string' ? message : '' };
  } catch {
    // told below, with the line itself
  }
  throw internal(`conmon reported something that is no report: ${line}`);
}
