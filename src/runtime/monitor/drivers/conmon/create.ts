import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { refusedByRuntime, runtimeWords } from '../../../runtime-words.ts';
import type { MonitorCreate, Monitored } from '../../contract.ts';
import { type Launched, launch, nextReport } from './launch.ts';
import { writeNote } from './note.ts';
import { prepareStdin } from './stdin.ts';

/** Creates a container under a conmon of its own, up to the moment before the user's process runs. */
export async function createContainer(
  conmon: string,
  request: MonitorCreate,
  started: (launched: Launched) => void,
): Promise<Monitored> {
  const { id, bundle, runtime, terminal } = request;
  const stdin = request.stdin && !terminal ? prepareStdin(bundle, runtime) : undefined;
  let launched: Launched;
  try {
    launched = launch({
      conmon,
      id,
      session: id,
      folder: bundle,
      runtime,
      log: request.log,
      args: terminal ? ['--terminal'] : [],
      ...(stdin && { ...stdin, inherit: [stdin.holder] }),
    });
    const input = terminal ? (request.stdin ? 'terminal' : 'none') : stdin ? 'fifo' : 'none';
    writeNote(bundle, { monitorPid: launched.pid, input, ...(stdin && { holder: stdin.holder }) });
  } finally {
    stdin?.close();
  }
  started(launched);
  try {
    const report = await nextReport(launched.reports);
    if (report && report.data > 0) return { pid: report.data, monitorPid: launched.pid };
    throw await refused(request, launched, report?.message ?? '');
  } finally {
    launched.close();
  }
}

/** The runtime's words; conmon's own when it never came as far. Takes away what either left. */
async function refused(request: MonitorCreate, launched: Launched, words: string) {
  await launched.exited;
  const said = runtimeWords(words) || runtimeWords(launched.complaints());
  await request.runtime.delete(request.id, true);
  for (const name of ['monitor.json', 'stdin', 'ctl', 'winsz', 'attach', 'pid', 'exit'])
    rmSync(path.join(request.bundle, name), { force: true });
  return refusedByRuntime(request.runtime.name, 'create', said, commandOf(request.bundle));
}

function commandOf(bundle: string): string {
  const config = JSON.parse(readFileSync(path.join(bundle, 'config.json'), 'utf8')) as {
    process?: { args?: string[] };
  };
  return config.process?.args?.[0] ?? '';
}
