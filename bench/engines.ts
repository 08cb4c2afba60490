import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { run, runChecked } from '../src/base/process.ts';

/** An engine under measurement, with its data root on the bench's own file system and a network namespace of its own. */
export interface Engine {
  readonly name: string;
  readonly version: string;
  /** Environment in which `docker` (or podman) talks to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Program and first arguments of its own command line. */
  readonly cli: readonly string[];
  /** Whether Docker's client can drive it. */
  readonly dockerClient: boolean;
  /** Of its daemon; undefined where it has none. */
  readonly pid: number | undefined;
  /** Path of its network namespace. */
  readonly namespace: string;
  stop(): Promise<void>;
}

/** Stands for the tools of the system, where no engine is measured. */
export const floor: Engine = {
  name: 'floor',
  version: '',
  env: {},
  cli: [],
  dockerClient: false,
  pid: undefined,
  namespace: '',
  stop: async () => {},
};

export interface EngineSetup {
  /** On the bench's file system. */
  readonly folder: string;
  /** Short: sockets lie there. */
  readonly runFolder: string;
  readonly projectRoot: string;
}

/** A private dockerd in a network namespace of its own, so that its firewall rules touch nothing of the host's. */
export async function startDockerd(setup: EngineSetup): Promise<Engine> {
  const socket = path.join(setup.runFolder, 'docker.sock');
  const config = path.join(setup.runFolder, 'docker.json');
  writeFileSync(config, '{}');
  const namespace = await makeNamespace(`tugbench-docker-${process.pid}`);
  const child = background('nsenter', [
    `--net=${namespace}`,
    'dockerd',
    ...['--config-file', config, '--data-root', path.join(setup.folder, 'docker')],
    ...['--exec-root', path.join(setup.runFolder, 'docker'), '-H', `unix://${socket}`],
    ...['-p', path.join(setup.runFolder, 'docker.pid'), '--storage-driver', 'overlay2'],
  ]);
  await answers(socket, child);
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}` } as Record<string, string>;
  const version = (await runChecked('docker', ['version', '-f', '{{.Server.Version}}'], { env })).trim();
  return {
    name: 'dockerd',
    version,
    env,
    cli: ['docker'],
    dockerClient: true,
    pid: child.pid, // nsenter becomes the program it starts
    namespace,
    stop: async () => {
      await terminate(child);
      await removeNamespace(`tugbench-docker-${process.pid}`);
    },
  };
}

/**
 * The engines, and dockerd once more with its BuildKit as `buildkit`, where a client is installed that drives it without
 * a plugin: one of 19 to 22.
 */
export async function withBuildKit(engines: readonly Engine[]): Promise<readonly Engine[]> {
  const dockerd = engines.find(({ name }) => name === 'dockerd');
  if (!dockerd) return engines;
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const program = path.join(folder, 'docker');
    if (!existsSync(program)) continue;
    const major = Number(/version (\d+)\./.exec((await run(program, ['--version'])).stdout)?.[1]);
    if (!(major >= 19 && major < 23)) continue;
    const env = { ...dockerd.env, DOCKER_BUILDKIT: '1' };
    return [...engines, { ...dockerd, name: 'buildkit', env, cli: [program], dockerClient: false }];
  }
  return engines;
}

/** tugd from this tree, in a network namespace of its own. */
export async function startTugd(setup: EngineSetup): Promise<Engine> {
  const socket = path.join(setup.runFolder, 'tug.sock');
  const config = path.join(setup.runFolder, 'tug.json');
  writeFileSync(config, '{}');
  const namespace = await makeNamespace(`tugbench-tug-${process.pid}`);
  const child = background('nsenter', [
    `--net=${namespace}`,
    path.join(setup.projectRoot, 'node_modules/.bin/node'),
    path.join(setup.projectRoot, 'bin/tugd.mjs'),
    ...['--config-file', config, '--data-root', path.join(setup.folder, 'tug')],
    ...['--exec-root', path.join(setup.runFolder, 'tug'), '-H', `unix://${socket}`],
    ...['--pidfile', path.join(setup.runFolder, 'tug.pid'), '--bridge-name', 'tugbench0'],
  ]);
  await answers(socket, child);
  const cli = path.join(setup.projectRoot, 'dist/tug');
  if (!existsSync(cli)) throw new Error('dist/tug is missing: run `npm run build` first');
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, TUG_HOST: `unix://${socket}` } as Record<
    string,
    string
  >;
  const version = (await runChecked('docker', ['version', '-f', '{{.Server.Version}}'], { env })).trim();
  return {
    name: 'tug',
    version,
    env,
    cli: [cli],
    dockerClient: true,
    pid: child.pid, // nsenter becomes the program it starts
    namespace,
    stop: async () => {
      await terminate(child);
      await removeNamespace(`tugbench-tug-${process.pid}`);
    },
  };
}

/** podman has no daemon: its roots are arguments of every command. */
export async function preparePodman(setup: EngineSetup): Promise<Engine> {
  const roots = ['--root', path.join(setup.folder, 'podman'), '--runroot', path.join(setup.runFolder, 'podman')];
  const namespace = await makeNamespace(`tugbench-podman-${process.pid}`);
  // podman raises the limit of open files, which a machine may refuse
  const config = path.join(setup.runFolder, 'containers.conf');
  writeFileSync(config, '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n');
  const cli = [
    'nsenter',
    `--net=${namespace}`,
    'podman',
    ...roots,
    '--cgroup-manager=cgroupfs',
    '--storage-driver=overlay',
  ];
  const version = (await runChecked('podman', ['--version'])).trim().replace('podman version ', '');
  return {
    name: 'podman',
    version,
    env: { ...process.env, CONTAINERS_CONF: config } as Record<string, string>,
    cli,
    dockerClient: false,
    pid: undefined,
    namespace,
    stop: async () => removeNamespace(`tugbench-podman-${process.pid}`),
  };
}

async function makeNamespace(name: string): Promise<string> {
  await run('ip', ['netns', 'delete', name]);
  await runChecked('ip', ['netns', 'add', name]);
  await runChecked('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  return `/run/netns/${name}`;
}

const removeNamespace = async (name: string): Promise<void> => void (await run('ip', ['netns', 'delete', name]));

/** In a session of its own: a Ctrl-C in the terminal is the bench's alone, which needs the engine to tidy up. */
function background(file: string, args: readonly string[]): ChildProcess {
  const log = process.env['BENCH_VERBOSE'] ? 'inherit' : 'ignore';
  return spawn(file, args, { stdio: ['ignore', 'ignore', log], detached: true });
}

/** Waits until something accepts connections on the socket. @throws when the process ends first. */
async function answers(socket: string, child: ChildProcess): Promise<void> {
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (ended) throw new Error(`${child.spawnfile} ${child.spawnargs.slice(2, 4).join(' ')} ended before it listened`);
    if (await connects(socket)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens on ${socket} after 30 s`);
}

function connects(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
