import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { newId, shortId } from '../../base/ids.ts';
import { createCgroupfs } from '../../host/cgroup/cgroupfs.ts';
import { readCgroups } from '../../host/cgroup/detect.ts';
import { listMounts, unmount } from '../../host/mount.ts';
import { watchExit } from '../../host/process-watch.ts';
import type { Runtime } from '../contract.ts';
import type { AttachedStdio, Monitor, MonitorExit, Monitored, MonitoredExec } from './contract.ts';

/** Containers for tests: busybox in a root file system of links, no network, all removed in the end. */
export interface TestContainers {
  readonly rootfs: string;
  /** The control group that all of them lie in. */
  readonly cgroups: string;
  create(options: TestContainerOptions): Promise<TestContainer>;
  /** Creates and starts. */
  run(options: TestContainerOptions): Promise<TestContainer>;
  /** Kills and removes everything. */
  dispose(): Promise<void>;
}

export interface TestContainerOptions {
  /** A line for the shell; or `args`. */
  readonly command?: string;
  readonly args?: readonly string[];
  readonly terminal?: boolean;
  readonly stdin?: boolean;
  readonly log?: boolean;
  /** Attaches before the start, as `stdio` and `output`. */
  readonly attachFirst?: boolean;
  /** In a bundle with a very long path. */
  readonly deep?: boolean;
}

export interface TestContainer {
  readonly id: string;
  readonly bundle: string;
  readonly log: string;
  readonly pids: Monitored;
  readonly stdio: AttachedStdio;
  readonly output: Promise<{ stdout: string; stderr: string }>;
  exit(): Promise<MonitorExit | 'lost'>;
  exitCode(): Promise<number>;
  exec(
    options: TestContainerOptions & { attach?: boolean; size?: { rows: number; columns: number } },
  ): Promise<MonitoredExec & { folder: string }>;
}

const applets = ['sh', 'cat', 'echo', 'sleep', 'head', 'stty', 'true', 'printf'];

export function openTestContainers(
  folder: string,
  monitor: Monitor,
  runtime: Runtime,
  cgroups = `/tug-test-${shortId(newId())}`,
): TestContainers {
  const rootfs = path.join(folder, 'rootfs');
  for (const name of ['bin', 'etc', 'proc', 'dev']) fs.mkdirSync(path.join(rootfs, name), { recursive: true });
  if (!fs.existsSync(path.join(rootfs, 'bin/busybox')))
    fs.copyFileSync('/bin/busybox', path.join(rootfs, 'bin/busybox'));
  for (const name of applets) {
    fs.rmSync(path.join(rootfs, 'bin', name), { force: true });
    fs.symlinkSync('busybox', path.join(rootfs, 'bin', name));
  }
  fs.writeFileSync(path.join(rootfs, 'plain'), 'no program\n', { mode: 0o644 });
  const made: TestContainer[] = [];

  async function create(options: TestContainerOptions): Promise<TestContainer> {
    const id = newId();
    const bundle = path.join(folder, options.deep ? 'deep/'.repeat(30) : 'c', id);
    fs.mkdirSync(bundle, { recursive: true });
    const log = path.join(folder, `${id}.log`);
    const config = configOf(rootfs, `${cgroups}/${id}`, options);
    fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(config));
    const { terminal = false, stdin = false } = options;
    const target = options.log === false ? undefined : log;
    const pids = await monitor.create({ id, name: id, bundle, log: target, runtime, terminal, stdin });
    const stdio = options.attachFirst ? await monitor.attach(bundle) : unattached;
    const exit = () => monitor.waitExit(bundle, pids, AbortSignal.timeout(100_000));
    let execs = 0;
    const container: TestContainer = {
      ...{ id, bundle, log, pids, stdio, exit },
      output: options.attachFirst ? collect(stdio) : Promise.resolve({ stdout: '', stderr: '' }),
      async exitCode() {
        const result = await exit();
        assert.ok(result !== 'lost');
        return result.code;
      },
      async exec(request) {
        const own = path.join(bundle, `exec-${execs++}`);
        fs.mkdirSync(own);
        const { attach = false, size } = request;
        const terminal = request.terminal ?? false;
        const process = processOf({ ...request, terminal });
        const ids = { containerId: id, execId: newId(), folder: own };
        const how = { runtime, process, terminal, stdin: request.stdin ?? false, attach, size };
        return { ...(await monitor.exec({ ...ids, ...how })), folder: own };
      },
    };
    made.push(container);
    return container;
  }

  async function remove({ id, pids, exit }: TestContainer): Promise<void> {
    const monitorEnded = watchExit(pids.monitorPid).exited; // it writes into the folder until then
    await runtime.delete(id, true);
    await Promise.all([exit(), monitorEnded]);
  }

  return {
    rootfs,
    cgroups,
    create,
    async run(options) {
      const container = await create(options);
      await runtime.start(container.id);
      return container;
    },
    async dispose() {
      const ends = await Promise.allSettled(made.map((container) => remove(container)));
      try {
        await createCgroupfs({ hierarchies: readCgroups(), engineId: 'test' }).remove(cgroups);
      } finally {
        for (const { target } of listMounts(folder).reverse()) unmount(target, { detach: true });
        fs.rmSync(folder, { recursive: true, force: true });
      }
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}

const unattached = new Proxy({} as AttachedStdio, {
  get: () => assert.fail('this container was not attached to'),
});

/** Everything a process wrote until it closed its side. */
export function collect(stdio: AttachedStdio): Promise<{ stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  stdio.onOutput((stream, data) => {
    text[stream] += data.toString();
  });
  return stdio.ended.then(() => text);
}

const processOf = (options: TestContainerOptions): object => ({
  terminal: options.terminal ?? false,
  user: { uid: 0, gid: 0 },
  args: options.args ?? ['sh', '-c', options.command ?? ''],
  env: ['PATH=/bin', 'TERM=xterm'],
  cwd: '/',
});

const configOf = (rootfs: string, cgroupsPath: string, options: TestContainerOptions): object => ({
  ociVersion: '1.0.2',
  process: processOf(options),
  root: { path: rootfs, readonly: false },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
  ],
  linux: {
    cgroupsPath,
    resources: { devices: [{ allow: true, access: 'rwm' }] },
    namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
  },
});
