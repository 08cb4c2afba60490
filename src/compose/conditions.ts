import type { ContainerInspect } from '../api/types/container.ts';
import { TugError } from '../base/errors.ts';
import { logs } from '../client/calls/containers.ts';
import type { Engine } from '../client/engine.ts';
import type { Condition } from '../formats/compose-file/model.ts';
import { createFrameDecoder } from '../formats/raw-stream.ts';
import type { ComposeDeps } from './deps.ts';
import type { Instance } from './observe.ts';
import type { Tracker } from './tracker.ts';

const shownLogLines = 10;

/**
 * Waits until a container is as a dependency wants it.
 * @throws conflict saying which container and why, with the end of its log; cancelled.
 */
export async function waitFor(
  deps: ComposeDeps,
  tracker: Tracker,
  instance: Instance,
  condition: Condition,
  signal: AbortSignal = deps.signal,
): Promise<void> {
  if (condition === 'service_started') return;
  const { report } = deps;
  const step = { kind: 'Container', name: instance.name } as const;
  report({ ...step, text: 'Waiting', state: 'working' });
  const met = condition === 'service_healthy' ? 'Healthy' : 'Exited';
  if (deps.dryRun) return report({ ...step, text: met, state: 'done' });
  const judge = condition === 'service_healthy' ? judgeHealth : judgeCompletion;
  try {
    const verdict = await tracker.until(instance.id, (container) => judge(container, instance.name), signal);
    if (verdict !== 'met') throw await failure(deps.engine, instance, verdict.failed);
    report({ ...step, text: met, state: 'done' });
  } catch (error) {
    report({ ...step, text: 'Error', state: 'failed' });
    throw error;
  }
}

type Verdict = 'met' | { readonly failed: string } | undefined;

export function judgeHealth({ State: state, Config }: ContainerInspect, name: string): Verdict {
  const health = state.Health?.Status;
  if (state.Running && health === 'healthy') return 'met';
  if (state.Running && health === 'unhealthy') return { failed: `container ${name} is unhealthy${lastCheck(state)}` };
  if (state.Status === 'exited' || state.Status === 'dead')
    return { failed: `container ${name} exited (${state.ExitCode})` };
  const test = (Config as { Healthcheck?: { Test?: string[] } }).Healthcheck?.Test;
  if (state.Running && health === undefined && (!test || test[0] === 'NONE'))
    return { failed: `container ${name} has no healthcheck configured` };
  return undefined;
}

function lastCheck(state: ContainerInspect['State']): string {
  const last = state.Health?.Log.at(-1);
  const output = last?.Output.trim();
  return last ? `: its last check ended with exit code ${last.ExitCode}${output ? ` and said: ${output}` : ''}` : '';
}

export function judgeCompletion({ State: state }: ContainerInspect, name: string): Verdict {
  if (state.Status !== 'exited' && state.Status !== 'dead') return undefined;
  return state.ExitCode === 0
    ? 'met'
    : { failed: `service didn't complete successfully: container ${name} exited (${state.ExitCode})` };
}

/** The last lines of a container's log. */
export async function lastLines(engine: Engine, id: string, count: number): Promise<string[]> {
  const query = { stdout: true, stderr: true, follow: false, since: undefined, until: undefined };
  const { framed, body } = await logs(engine, id, { ...query, timestamps: false, details: false, tail: String(count) });
  const chunks: Buffer[] = [];
  const decoder = createFrameDecoder((_name, data) => chunks.push(Buffer.from(data)));
  for await (const chunk of body) {
    if (framed === false) chunks.push(chunk);
    else decoder.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString()
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .slice(-count);
}

async function failure(engine: Engine, instance: Instance, reason: string): Promise<TugError> {
  const message = `dependency failed to start: ${reason}${await endOfLog(engine, instance)}`;
  return new TugError('conflict', message, { code: 'dependency-failed' });
}

/** The last lines of a container's log for a message, with what goes before them; empty where there are none. */
export async function endOfLog(engine: Engine, { id, name }: Pick<Instance, 'id' | 'name'>): Promise<string> {
  // a log driver that cannot be read leaves the reason to stand alone
  const lines = await lastLines(engine, id, shownLogLines).catch(() => []);
  return lines.length > 0 ? `\nThe end of its log:\n${lines.map((line) => `  ${name} | ${line}`).join('\n')}` : '';
}
