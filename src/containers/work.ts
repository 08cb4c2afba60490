import { closeSync, fchownSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { invalid } from '../base/errors.ts';
import { outsideId } from '../formats/id-maps.ts';
import { createPipe } from '../host/adopted-fd.ts';
import { spawnProgram } from '../host/spawn.ts';
import type { Runtime } from '../runtime/contract.ts';
import { baseEnvironment } from '../runtime/environment.ts';
import { refusedByRuntime, runtimeWords } from '../runtime/runtime-words.ts';
import { places } from './commit.ts';
import { type ContainerContext, cgroupPathOf, pathsOf, runtimeOf } from './context.ts';
import { resolveEndpoints } from './endpoints.ts';
import { type ContainerRecord, initialState } from './record.ts';
import { releaseResources } from './release.ts';
import { newLabels } from './security-labels.ts';
import { joinNamespaces } from './shared-namespaces.ts';
import { makeBundle } from './start.ts';
import { lookUpUser } from './user.ts';
import { openUserNamespace, type UserNamespace } from './user-namespace.ts';
import type { WorkContainers, WorkEnd, WorkOutput, WorkRequest } from './work-contract.ts';

export function createWorkContainers(context: ContainerContext): WorkContainers {
  return {
    places,
    run: (request, output, signal) => runWork(context, request, output, signal),
    discard: (id) => context.snapshots.discard(id),
  };
}

async function runWork(
  context: ContainerContext,
  request: WorkRequest,
  output: WorkOutput,
  signal: AbortSignal,
): Promise<WorkEnd> {
  signal.throwIfAborted();
  if ([...request.args, ...request.env].some((text) => text.includes('\0')))
    throw invalid('a command and its variables cannot hold a NUL character', { code: 'nul' }); // it would end there
  const record = recordOf(context, request);
  const runtime = runtimeOf(context, record);
  mkdirSync(pathsOf(context, record).bundle, { recursive: true, mode: 0o711 });
  try {
    using joined = joinNamespaces(context, record);
    using user = await openUserNamespace(context, record);
    using kills = record.host.Memory ? context.cgroups.watchKills(cgroupPathOf(context, record)) : undefined;
    await makeBundle(context, record, runtime, { ...joined, user, group: kills?.path });
    const code = await execute(context, record, { runtime, user, output, signal });
    return { code, oomKilled: code !== 0 && ((await kills?.happened()) ?? false) };
  } finally {
    await releaseResources(context, record);
  }
}

/** A container as the other operations want it; it is in no table. */
function recordOf(context: ContainerContext, request: WorkRequest): ContainerRecord {
  const { id, layers, args, env, cwd, user, hostname, mounts } = request;
  const [command = '', ...rest] = args;
  const host = {
    IpcMode: 'private',
    CgroupnsMode: context.cgroups.mode === 'v2' ? 'private' : 'host',
    Runtime: context.defaultRuntime,
    ...request.host,
    AutoRemove: true,
    LogConfig: { Type: 'none', Config: {} },
  };
  const labels = newLabels(context, host);
  return {
    id,
    name: id,
    created: '',
    imageId: '',
    imageName: '',
    config: { Env: [...env], WorkingDir: cwd, User: user, Hostname: hostname },
    host,
    endpoints: resolveEndpoints(context.networks, host, {}),
    layers,
    platform: 'linux',
    path: command,
    args: rest,
    mounts,
    ...(labels ? { labels } : {}),
    state: initialState,
  };
}

interface Execution {
  readonly runtime: Runtime;
  readonly user: UserNamespace | undefined;
  readonly output: WorkOutput;
  readonly signal: AbortSignal;
}

async function execute(
  context: ContainerContext,
  record: ContainerRecord,
  { runtime, user, output, signal }: Execution,
): Promise<number> {
  const { bundle } = pathsOf(context, record);
  const log = path.join(bundle, 'runtime.log');
  const stdin = openSync(context.nullDevice, 'r');
  const pipes = [createPipe(), createPipe()] as const;
  const ended = [pipes[0][0], pipes[1][0]].map((fd, index) => drain(fd, index === 0 ? 'stdout' : 'stderr', output));
  let exited: Promise<number>;
  let pid: number;
  try {
    giveTo(context, record, user, [pipes[0][1], pipes[1][1]]);
    const args = [...runtime.globalArgs, '--log', log, 'run', '--bundle', bundle, record.id];
    const stdio = [stdin, pipes[0][1], pipes[1][1]] as const;
    ({ pid, exited } = spawnProgram(runtime.path, args, { stdio, env: baseEnvironment() }));
  } finally {
    for (const fd of [stdin, pipes[0][1], pipes[1][1]]) closeSync(fd);
  }
  const stop = (): void => void end(context, record, runtime, pid);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const code = await exited;
    await Promise.all(ended);
    signal.throwIfAborted();
    const words = code === 0 ? '' : runtimeWords(readLog(log));
    if (words !== '') throw refusedByRuntime(runtime.name, 'create', words, record.path);
    return code;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Kills it, however far it has come. */
async function end(context: ContainerContext, record: ContainerRecord, runtime: Runtime, pid: number): Promise<void> {
  try {
    await runtime.kill(record.id, 9);
  } catch {
    // not created yet, or gone already: without its runtime it does not come to be, and the rest is swept
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return; // it has ended
    }
    for (const one of await context.cgroups.processes(cgroupPathOf(context, record))) process.kill(one, 'SIGKILL');
  }
}

/** So that its process may open /dev/stdout by name. */
function giveTo(
  context: ContainerContext,
  record: ContainerRecord,
  user: UserNamespace | undefined,
  fds: readonly number[],
): void {
  const { uid, gid } = lookUpUser(pathsOf(context, record).rootfs, record.config.User ?? '', []);
  const owner = user ? { uid: outsideId(user.maps.uids, uid), gid: outsideId(user.maps.gids, gid) } : { uid, gid };
  for (const fd of fds) fchownSync(fd, owner.uid, owner.gid);
}

async function drain(fd: number, stream: 'stdout' | 'stderr', output: WorkOutput): Promise<void> {
  const source = new net.Socket({ fd, readable: true, writable: false });
  for await (const chunk of source as AsyncIterable<Buffer>) await output(stream, chunk);
}

function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it has nothing to tell
  }
}
