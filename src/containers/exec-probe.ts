import { isAlive, processStartTime } from '../host/process-identity.ts';
import { killTree } from '../host/process-tree.ts';
import type { ContainerContext } from './context.ts';
import { createExec, startExec } from './exec.ts';
import type { ProbeKind } from './health-schedule.ts';
import type { RunningProbe } from './probe.ts';
import type { ContainerRecord } from './record.ts';

/**
 * Runs a health check's command as an exec of the container, with its user and environment; it is forgotten once it
 * has ended. One that a killed engine left running is killed by the next (`recover.ts`). Events tell of regular ones.
 * @throws what exec throws.
 */
export async function beginProbe(
  context: ContainerContext,
  record: ContainerRecord,
  command: readonly string[],
  kind: ProbeKind,
): Promise<RunningProbe> {
  const request = { Cmd: [...command], AttachStdout: true, AttachStderr: true };
  const exec = context.execs.get(createExec(context, record, request, kind === 'early' ? 'early-probe' : 'probe'));
  try {
    const { live } = await startExec(context, record, exec, { detach: false, consoleSize: undefined });
    const stdio = await live;
    const { pid } = exec;
    const startTime = processStartTime(pid);
    const ended = Promise.all([exec.ended.promise, stdio?.ended]).then(() => {
      context.execs.drop(exec);
      return exec.exitCode ?? -1;
    });
    return {
      onOutput: (listener) => stdio?.onOutput((_stream, data) => listener(data)),
      ended,
      kill() {
        if (isAlive(pid, startTime)) killTree(pid);
      },
    };
  } catch (error) {
    context.execs.drop(exec);
    throw error;
  }
}
