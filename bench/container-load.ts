import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { callApi } from '../test/helpers/engine-api.ts';
import type { Engine } from './engines.ts';
import { proportionalSize } from './memory.ts';
import { removal, runCommand } from './steps.ts';

/**
 * Runs `work` for 0 to count - 1, `lanes` of them at a time. @throws what the first throws, when none of them works any
 * more: what they have made is all there then, to be taken away.
 */
export async function inLanes(count: number, lanes: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    try {
      while (next < count) await work(next++);
    } catch (error) {
      next = count;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

export const loadName = (index: number): string => `load${index}`;

/** Starts that many detached containers by the command line that drives the engine, 8 at a time. */
export function startMany(engine: Engine, count: number, flags: readonly string[] = []): Promise<void> {
  return inLanes(count, 8, (index) =>
    runCommand(engine, ['run', '-d', '--name', loadName(index), ...flags, 'busybox', 'sleep', '86400']),
  );
}

/** Removes them with one command. */
export const removeMany = (engine: Engine, count: number): Promise<void> =>
  runCommand(engine, [...removal(engine), ...Array.from({ length: count }, (_, index) => loadName(index))]);

/** Creates them over the API: a thousand client processes would be measured otherwise, and waited for. */
export async function createMany(engine: Engine, count: number): Promise<void> {
  await inLanes(count, 8, async (index) => {
    const answer = await callApi(socketOf(engine), 'POST', `/containers/create?name=${loadName(index)}`, {
      Image: 'busybox',
      Cmd: ['true'],
    });
    if (answer.status !== 201) throw new Error(`${engine.name}: create: ${answer.text}`);
  });
}

export async function deleteMany(engine: Engine, count: number): Promise<void> {
  await inLanes(count, 8, (index) => callApi(socketOf(engine), 'DELETE', `/containers/${loadName(index)}?force=1`));
}

export const socketOf = (engine: Engine): string => (engine.env['DOCKER_HOST'] ?? '').replace('unix://', '');

const engineProgram = /^(dockerd|containerd|containerd-shim.*|docker-proxy|conmon)$/;

/**
 * The daemon and what stays beside each container: what is called so in the engine's network namespace, so that no other
 * engine's are among them.
 */
function processesOf(engine: Engine): number[] {
  const namespace = `net:[${statSync(engine.namespace).ino}]`;
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    if (Number(name) === engine.pid) return [engine.pid];
    const program = read(`/proc/${name}/comm`)?.trim() ?? '';
    return engineProgram.test(program) && networkOf(name) === namespace ? [Number(name)] : [];
  });
}

/** Undefined of a process that has ended. */
function networkOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Undefined of a process that has ended. */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** MB that the engine's processes have their share of (PSS). */
export const engineMemory = (engine: Engine): number =>
  processesOf(engine).reduce((sum, pid) => sum + proportionalSize(pid), 0) / 1e6;

/** Percent of a core that the engine's processes use in that many milliseconds. */
export async function daemonShare(engine: Engine, milliseconds: number): Promise<number> {
  const before = cpuTime(engine);
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return ((cpuTime(engine) - before) / (performance.now() - began)) * 100;
}

/** CPU milliseconds of the engine's processes (proc_pid_stat(5)). */
function cpuTime(engine: Engine): number {
  const ticks = processesOf(engine).map((pid) => {
    const stat = read(`/proc/${pid}/stat`) ?? '';
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}
