import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { waitForEngine } from '../../../scripts/wait-for-engine.ts';
import { errnoOf } from '../../../src/base/errors.ts';
import { run, runChecked } from '../../../src/base/process.ts';
import { readCgroups } from '../../../src/host/cgroup/detect.ts';
import { listMounts, unmount } from '../../../src/host/mount.ts';

/** A private dockerd, for comparison. */
export interface Dockerd extends AsyncDisposable {
  readonly socket: string;
  readonly version: string;
}

export interface DockerdOptions {
  /** More flags. */
  readonly args?: readonly string[];
  /** What it sees as /etc/docker/certs.d. */
  readonly certificates?: string;
}

/**
 * Starts the machine's dockerd with roots of its own in a network namespace of its own, so that its firewall rules
 * touch nothing of the host's; `host` is one to use instead. Its disposal removes its containers first.
 * @throws with its log when it does not come up; nothing is left then.
 */
export async function startDockerd(host?: string, options: DockerdOptions = {}): Promise<Dockerd> {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tug-dockerd-'));
  const name = path.basename(root);
  const socket = path.join(root, 'docker.sock');
  const log = path.join(root, 'log');
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: path.join(root, 'client') };
  if (host === undefined) {
    await runChecked('ip', ['netns', 'add', name]);
    await runChecked('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  }
  const child = launch(root, host ?? `/run/netns/${name}`, socket, log, options);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const dispose = async (): Promise<void> => {
    await removeContainers(env);
    child.kill('SIGTERM');
    await ended;
    if (host === undefined) await run('ip', ['netns', 'delete', name]);
    try {
      await removeGroups(name);
    } finally {
      for (const { target } of listMounts(root).reverse()) unmount(target, { detach: true });
      rmSync(root, { recursive: true, force: true });
    }
  };
  try {
    const gone = new AbortController();
    void ended.then(() => gone.abort(new Error(`dockerd ended; its log:\n${readFileSync(log, 'utf8').slice(-2000)}`)));
    await waitForEngine(socket, 300_000, gone.signal);
    const version = (await runChecked('docker', ['version', '-f', '{{.Server.Version}}'], { env })).trim();
    return { socket, version, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function launch(
  root: string,
  namespace: string,
  socket: string,
  log: string,
  { args = [], certificates }: DockerdOptions,
): ChildProcess {
  const config = path.join(root, 'daemon.json');
  writeFileSync(config, JSON.stringify({ 'deprecated-key-path': path.join(root, 'key.json') }));
  mkdirSync(path.join(root, 'tmp'));
  const out = openSync(log, 'a');
  try {
    return spawn(
      'nsenter',
      [
        `--net=${namespace}`,
        ...(certificates === undefined ? [] : seeing(root, certificates)),
        ...['dockerd', '--config-file', config, '-H', `unix://${socket}`, ...args],
        ...['--data-root', path.join(root, 'data'), '--exec-root', path.join(root, 'exec')],
        ...['-p', path.join(root, 'docker.pid'), '--cgroup-parent', `/${path.basename(root)}`],
      ],
      { stdio: ['ignore', out, out], env: { ...process.env, TMPDIR: path.join(root, 'tmp') } },
    );
  } finally {
    closeSync(out);
  }
}

/** A program in a mount namespace of its own, in which /etc has this folder of certificates besides. */
function seeing(root: string, certificates: string): string[] {
  const over = path.join(root, 'etc');
  mkdirSync(path.join(over, 'docker/certs.d'), { recursive: true });
  const script = `mount -t overlay -o lowerdir="$1":/etc overlay /etc &&
    mount --bind "$2" /etc/docker/certs.d && shift 2 && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', over, certificates];
}

async function removeContainers(env: NodeJS.ProcessEnv): Promise<void> {
  const { stdout } = await run('docker', ['ps', '-aq'], { env });
  const ids = stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await run('docker', ['rm', '-f', ...ids], { env });
}

/** dockerd leaves the parent of its containers' control groups. */
async function removeGroups(name: string): Promise<void> {
  const { v1, unified } = readCgroups();
  for (const mounted of new Set([...v1.values(), ...(unified === undefined ? [] : [unified])])) {
    const groups = globSync([path.join(mounted, name), path.join(mounted, name, '*/')]);
    for (const group of groups.sort().reverse()) await removeGroup(group);
  }
}

/** A process that was killed is in its group for a moment more. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return; // dockerd took it away meanwhile
      if (errnoOf(error) !== 'EBUSY' || attempt === 200) throw error;
      await setTimeout(50);
    }
  }
}
