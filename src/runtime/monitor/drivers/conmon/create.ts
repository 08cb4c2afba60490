import { closeSync, existsSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../../../base/errors.ts';
import { createPipe } from '../../../../host/adopted-fd.ts';
import { checkpointArgs } from '../../../contract.ts';
import { refusedByRuntime, runtimeWords } from '../../../runtime-words.ts';
import type { MonitorCreate, Monitored } from '../../contract.ts';
import { type Launched, launch, type Report, reportInTime } from './launch.ts';
import { noteName, writeNote } from './note.ts';
import { prepareStdin, readingFrom } from './stdin.ts';

/** Creates a container under a conmon of its own, up to the moment before the user's process runs. */
export async function createContainer(
  conmon: string,
  request: MonitorCreate,
  started: (launched: Launched) => void,
): Promise<Monitored> {
  const { id, bundle, runtime, terminal } = request;
  const stdin = request.stdin && !terminal ? prepareStdin(bundle, runtime) : undefined;
  const [startRead, startWrite] = createPipe();
  let launched: Launched;
  try {
    launched = launch({
      conmon,
      id,
      session: id,
      folder: bundle,
      runtime,
      log: request.log,
      args: [...(terminal ? ['--terminal'] : []), ...restoreArgs(request)],
      ...(request.nullDevice && !stdin && readingFrom(request.nullDevice, runtime)),
      ...(stdin && { runtimePath: stdin.runtimePath, runtimeArgs: stdin.runtimeArgs }),
      inherit: [startRead, ...(stdin ? [stdin.holder] : [])],
      env: { _OCI_STARTPIPE: String(startRead) },
    });
    const input = terminal ? (request.stdin ? 'terminal' : 'none') : stdin ? 'fifo' : 'none';
    writeNote(bundle, { monitorPid: launched.pid, input, ...(stdin && { holder: stdin.holder }) });
  } catch (error) {
    closeSync(startWrite);
    throw error;
  } finally {
    closeSync(startRead);
    stdin?.close();
  }
  started(launched);
  try {
    await letGo(launched, startWrite, request);
    const report = await reportOf(launched, request);
    if (report && report.data > 0) return { pid: report.data, monitorPid: launched.pid };
    throw await refused(request, launched, report?.message ?? '');
  } finally {
    launched.close();
  }
}

const restoreArgs = ({ restore }: MonitorCreate): string[] =>
  restore === undefined ? [] : ['--restore', restore, ...checkpointArgs.map((arg) => `--runtime-opt=${arg}`)];

/** conmon waits on its start pipe before it runs the runtime: told to when all is ready, killed when it will not be. */
async function letGo(launched: Launched, startWrite: number, request: MonitorCreate): Promise<void> {
  try {
    await request.ready;
  } catch (error) {
    closeSync(startWrite);
    killUnlessGone(launched.pid);
    await launched.exited;
    removeOwnFiles(request.bundle);
    throw error;
  }
  try {
    writeSync(startWrite, '1');
  } catch (error) {
    if (errnoOf(error) !== 'EPIPE') throw error; // conmon gave up already, and its report says why
  } finally {
    closeSync(startWrite);
  }
}

function killUnlessGone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** Takes away what a runtime that was killed left. */
async function reportOf(launched: Launched, request: MonitorCreate): Promise<Report | undefined> {
  try {
    return await reportInTime(launched, request.runtime, request.signal);
  } catch (error) {
    await request.runtime.delete(request.id, true).catch(() => {}); // the first error is the one to tell
    removeOwnFiles(request.bundle);
    throw error;
  }
}

/** The runtime's words; conmon's own when it never came as far. Takes away what either left. */
async function refused(request: MonitorCreate, launched: Launched, words: string) {
  await launched.exited;
  const said = existsSync(request.runtime.path)
    ? runtimeWords(words) || runtimeWords(launched.complaints())
    : `the runtime ${request.runtime.name} is not installed: there is no ${request.runtime.path}`;
  // What the runtime said first is told; whoever undoes the start deletes again, and sees this fail.
  await request.runtime.delete(request.id, true).catch(() => {});
  removeOwnFiles(request.bundle);
  return refusedByRuntime(
    request.runtime.name,
    request.restore === undefined ? 'create' : 'restore',
    said,
    commandOf(request.bundle),
  );
}

function removeOwnFiles(bundle: string): void {
  for (const name of [noteName, 'stdin', 'ctl', 'winsz', 'attach', 'pid', 'exit'])
    rmSync(path.join(bundle, name), { force: true });
}

function commandOf(bundle: string): string {
  const config = JSON.parse(readFileSync(path.join(bundle, 'config.json'), 'utf8')) as {
    process?: { args?: string[] };
  };
  return config.process?.args?.[0] ?? '';
}
