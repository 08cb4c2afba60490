import { closeSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createPipe } from '../../../../host/adopted-fd.ts';
import { givePipes } from '../../../../host/pipe-owner.ts';
import { refusedByRuntime, runtimeWords } from '../../../runtime-words.ts';
import type { AttachedStdio, MonitorExec, MonitoredExec } from '../../contract.ts';
import { type Launched, launch, reportInTime } from './launch.ts';
import { openLines } from './lines.ts';
import { writeNote } from './note.ts';
import { prepareStdin, readingFrom } from './stdin.ts';

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
  const gate = request.attach ? openGate() : undefined;
  let stdio: AttachedStdio | undefined;
  let launched: Launched | undefined;
  try {
    launched = launchExec(conmon, request, gate);
    started(launched);
    if (gate && (await gate.ready())) {
      if (request.pipeOwner !== undefined) givePipes(launched.pid, request.pipeOwner);
      // conmon accepts it when it runs its loop again, which is before it first reads the process's output
      stdio = connect();
      if (request.size) resize(request.size.rows, request.size.columns);
      gate.open();
    }
    const report = await reportInTime(launched, request.runtime);
    if (!report || report.data < 0) throw await refused(request, launched, report?.message ?? '');
    return { pid: report.data, monitorPid: launched.pid, stdio };
  } catch (error) {
    stdio?.detach();
    throw error;
  } finally {
    launched?.close();
    gate?.close();
  }
}

function launchExec(conmon: string, request: MonitorExec, gate: Gate | undefined): Launched {
  const { folder, runtime, terminal } = request;
  const file = path.join(folder, 'process.json');
  writeFileSync(file, JSON.stringify(processOf(request)), { flag: 'wx' });
  const stdin = request.stdin && request.attach && !terminal ? prepareStdin(folder, runtime) : undefined;
  const spec = ['--exec', '--exec-process-spec', file];
  try {
    const launched = launch({
      conmon,
      id: request.containerId,
      session: request.execId,
      folder,
      runtime,
      log: undefined,
      args: [...spec, ...(gate ? ['--exec-attach'] : []), ...(terminal ? ['--terminal'] : [])],
      ...(request.nullDevice && !stdin && readingFrom(request.nullDevice, runtime)),
      ...(stdin && { runtimePath: stdin.runtimePath, runtimeArgs: stdin.runtimeArgs }),
      inherit: [...(gate?.inherit ?? []), ...(stdin ? [stdin.holder] : [])],
      env: gate?.env ?? {},
    });
    const input = stdin ? 'fifo' : terminal && request.stdin ? 'terminal' : 'none';
    writeNote(folder, { monitorPid: launched.pid, input, ...(stdin && { holder: stdin.holder }) });
    return launched;
  } finally {
    stdin?.close();
  }
}

/** runc takes the window's size from here, before the process runs; for crun, which does not, conmon sets it. */
const processOf = ({ process, terminal, size }: MonitorExec): object =>
  terminal && size ? { ...process, consoleSize: { height: size.rows, width: size.columns } } : process;

/** The two pipes that hold an exec back until somebody is attached. */
interface Gate {
  readonly inherit: readonly number[];
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when conmon listens on its socket; with false when it gave up before. */
  ready(): Promise<boolean>;
  open(): void;
  close(): void;
}

function openGate(): Gate {
  const [startRead, startWrite] = createPipe();
  const [readyRead, readyWrite] = createPipe();
  const open = new Set([startRead, startWrite, readyRead, readyWrite]);
  const close = (fd: number): void => {
    if (open.delete(fd)) closeSync(fd);
  };
  return {
    inherit: [startRead, readyWrite],
    env: { _OCI_STARTPIPE: String(startRead), _OCI_ATTACHPIPE: String(readyWrite) },
    async ready() {
      close(startRead);
      close(readyWrite);
      writeSync(startWrite, '1');
      open.delete(readyRead);
      const lines = openLines(readyRead);
      try {
        return (await lines.next()) !== undefined;
      } finally {
        lines.close();
      }
    },
    open: () => void writeSync(startWrite, '2'),
    close() {
      for (const fd of open) close(fd);
    },
  };
}

async function refused(request: MonitorExec, launched: Launched, words: string) {
  await launched.exited;
  const command = (request.process as { args?: string[] }).args?.[0] ?? '';
  const said = runtimeWords(words) || runtimeWords(launched.complaints());
  return refusedByRuntime(request.runtime.name, 'exec', said, command);
}
