import { closeSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createPipe } from '../../../../host/adopted-fd.ts';
import { refusedByRuntime } from '../../../drivers/runtime-words.ts';
import type { AttachedStdio, MonitorExec, MonitoredExec } from '../../contract.ts';
import { type Launched, launch, nextReport, writeNote } from './launch.ts';
import { openLines } from './lines.ts';

/**
 * Runs a process in a container. With `attach`, conmon makes its socket, waits until somebody is connected,
 * and only then runs it: it tells so on one pipe and is told on another.
 */
export async function execProcess(
  conmon: string,
  request: MonitorExec,
  connect: () => AttachedStdio,
  resize: (rows: number, columns: number) => void,
  started: (launched: Launched) => void,
): Promise<MonitoredExec> {
  writeFileSync(path.join(request.folder, 'process.json'), JSON.stringify(request.process));
  const fds: number[] = [];
  const close = (fd: number): void => closeSync(fds.splice(fds.indexOf(fd), 1)[0]!);
  const pipe = (): [number, number] => {
    const ends = createPipe();
    fds.push(...ends);
    return ends;
  };
  let stdio: AttachedStdio | undefined;
  let launched: Launched | undefined;
  try {
    const start = request.attach ? pipe() : undefined;
    const ready = request.attach ? pipe() : undefined;
    launched = launch({
      conmon,
      id: request.containerId,
      session: request.execId,
      folder: request.folder,
      runtime: request.runtime,
      log: undefined,
      args: execArgs(request),
      inherit: start && ready ? [start[0], ready[1]] : [],
      env: start && ready ? { _OCI_STARTPIPE: String(start[0]), _OCI_ATTACHPIPE: String(ready[1]) } : {},
    });
    started(launched);
    writeNote(request.folder, { monitorPid: launched.pid, input: inputKind(request) });
    if (start && ready) {
      close(start[0]);
      close(ready[1]);
      writeSync(start[1], '1');
      fds.splice(fds.indexOf(ready[0]), 1);
      if (await isReady(ready[0])) {
        if (request.size) resize(request.size.rows, request.size.columns);
        stdio = connect();
        writeSync(start[1], '2');
      }
    }
    const report = await nextReport(launched.reports);
    if (!report || report.data < 0) throw await refused(request, launched, report?.message ?? '');
    return { pid: report.data, monitorPid: launched.pid, stdio };
  } catch (error) {
    stdio?.detach();
    throw error;
  } finally {
    launched?.close();
    for (const fd of fds) closeSync(fd);
  }
}

function execArgs(request: MonitorExec): string[] {
  const args = ['--exec', '--exec-process-spec', path.join(request.folder, 'process.json')];
  if (request.attach) args.push('--exec-attach');
  if (request.terminal) args.push('--terminal');
  // Here conmon's own pipe does: the exec has one client, whose half-close ends its stdin.
  else if (request.stdin && request.attach) args.push('--stdin');
  return args;
}

const inputKind = (request: MonitorExec) =>
  request.terminal ? 'terminal' : request.stdin && request.attach ? 'socket' : 'none';

/** False when conmon gave up before it listened. Takes the descriptor over. */
async function isReady(fd: number): Promise<boolean> {
  const lines = openLines(fd);
  try {
    return (await lines.next()) !== undefined;
  } finally {
    lines.close();
  }
}

async function refused(request: MonitorExec, launched: Launched, words: string) {
  await launched.exited;
  const command = (request.process as { args?: string[] }).args?.[0] ?? '';
  const said = words || launched.complaints();
  return refusedByRuntime(request.runtime.name, 'exec', said, command);
}
