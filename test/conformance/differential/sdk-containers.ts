import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { demultiplexed } from '../../helpers/dockerode-streams.ts';
import { actionsSince, readArchive, type SdkScenario } from './by-dockerode.ts';

const one = (docker: Docker): Docker.Container => docker.getContainer('one');

/** Output of a command in the container, by stream, and how it ended. */
async function exec(docker: Docker, options: Docker.ExecCreateOptions, input?: string) {
  const run = await one(docker).exec({ AttachStdout: true, AttachStderr: true, ...options });
  const stream = await run.start({ hijack: true, stdin: input !== undefined });
  if (input !== undefined) stream.end(input);
  const said = await demultiplexed(docker, stream);
  const { ExitCode, Running } = await run.inspect();
  return { ...said, ExitCode, Running };
}

export const sdkLife: SdkScenario = {
  name: 'life by dockerode',
  steps: {
    'create with limits and labels': async (docker) => {
      const container = await docker.createContainer({
        name: 'one',
        Image: 'busybox',
        Cmd: ['sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'],
        Env: ['A=1', 'B=two words'],
        Labels: { a: 'b' },
        WorkingDir: '/tmp',
        StopSignal: 'SIGTERM',
        HostConfig: { Memory: 64 << 20, CpuShares: 512, PidsLimit: 50, ReadonlyRootfs: false, Binds: [] },
      });
      return Object.keys(container).includes('id');
    },
    'create with a name that is taken': (docker) => docker.createContainer({ name: 'one', Image: 'busybox' }),
    'create of an image that is not there': (docker) => docker.createContainer({ Image: 'nosuch:1' }),
    'configuration of the new': async (docker) => {
      const { Config, HostConfig, State } = await one(docker).inspect();
      const { Memory, CpuShares, PidsLimit, NetworkMode, RestartPolicy } = HostConfig;
      const { Env, Cmd, Labels, WorkingDir, StopSignal, Tty, OpenStdin } = Config as typeof Config & {
        StopSignal: string;
      };
      const limits = { Memory, CpuShares, PidsLimit, NetworkMode, RestartPolicy };
      return { Env, Cmd, Labels, WorkingDir, StopSignal, Tty, OpenStdin, limits, state: State.Status };
    },
    'stop before start': (docker) => one(docker).stop(),
    start: async (docker) => {
      await one(docker).start();
      const log = (await one(docker).logs({ follow: true, stdout: true })) as Readable;
      await once(log, 'data'); // from now on it heeds signals
      log.destroy();
    },
    'start again': (docker) => one(docker).start(),
    'remove while it runs': (docker) => one(docker).remove(),
    pause: (docker) => one(docker).pause(),
    'pause again': (docker) => one(docker).pause(),
    'state while paused': async (docker) => (await one(docker).inspect()).State.Status,
    unpause: (docker) => one(docker).unpause(),
    'update of limits': (docker) => one(docker).update({ Memory: 80 << 20, MemorySwap: -1, CpuShares: 300 }),
    'limits after': async (docker) => {
      const { Memory, MemorySwap, CpuShares } = (await one(docker).inspect()).HostConfig;
      return { Memory, MemorySwap, CpuShares };
    },
    'rename to a bad name': (docker) => one(docker).rename({ name: 'a b' }),
    'rename there and back': async (docker) => {
      await one(docker).rename({ name: 'two' });
      await docker.getContainer('two').rename({ name: 'one' });
    },
    'processes by their columns': async (docker) => {
      const { Titles, Processes } = (await one(docker).top({ ps_args: '-o comm' })) as {
        Titles: string[];
        Processes: string[][];
      };
      return { Titles, first: Processes[0] };
    },
    'stop by its signal': async (docker) => {
      const waiting = one(docker).wait();
      await one(docker).stop({ t: 30 });
      return waiting;
    },
    'state after': async (docker) => {
      const { Status, ExitCode, OOMKilled, Error: error, Running, Paused, Dead } = (await one(docker).inspect()).State;
      return { Status, ExitCode, OOMKilled, error, Running, Paused, Dead };
    },
    'kill of what is stopped': (docker) => one(docker).kill(),
    'exec in what is stopped': (docker) => exec(docker, { Cmd: ['true'] }),
    restart: async (docker) => {
      await one(docker).restart();
      return (await one(docker).inspect()).State.Running;
    },
    'kill by number': async (docker) => {
      const waiting = one(docker).wait();
      await one(docker).kill({ signal: '9' });
      return waiting;
    },
    'list of all, by a label': async (docker) => {
      const found = await docker.listContainers({ all: true, filters: { label: ['a=b'] } });
      return found.map(({ Names, Image, Command, State, Labels, Ports }) => ({
        ...{ Names, Image, Command, State, Labels, Ports },
      }));
    },
    'list by a filter that is none': (docker) => docker.listContainers({ filters: { nosuch: ['x'] } }),
    remove: (docker) => one(docker).remove(),
    'remove again': (docker) => one(docker).remove(),
    'wait for what is gone': (docker) => one(docker).wait(),
  },
};

export const sdkStreams: SdkScenario = {
  name: 'streams by dockerode',
  steps: {
    'attach to both streams, and stdin to its end': async (docker) => {
      const container = await docker.createContainer({
        name: 'one',
        Image: 'busybox',
        Cmd: ['sh', '-c', 'cat; echo err >&2; exit 4'],
        OpenStdin: true,
        StdinOnce: true,
      });
      const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
      const said = demultiplexed(docker, stream);
      await container.start();
      stream.end('line\nno newline');
      const ended = await container.wait();
      return { ...(await said), ended };
    },
    'logs of it': async (docker) => {
      const streams = [{ stdout: true }, { stderr: true }].map((which) => one(docker).logs(which));
      return (await Promise.all(streams)).map((said) => (said as unknown as Buffer).toString('latin1'));
    },
    'logs of one stream, its last line': async (docker) => {
      const last = (await one(docker).logs({ stdout: true, tail: 1 })) as unknown as Buffer;
      return last.toString('latin1');
    },
    'logs of no stream': (docker) => one(docker).logs({}),
    'attach to what it said, without what comes': async (docker) => {
      const stream = await one(docker).attach({ stdout: true, logs: true, hijack: true });
      return demultiplexed(docker, stream);
    },
    'another that idles': async (docker) => {
      await one(docker).remove();
      const container = await docker.createContainer({ name: 'one', Image: 'busybox', Cmd: ['sleep', '1000'] });
      await container.start();
    },
    'exec with both streams': (docker) => exec(docker, { Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 3'] }),
    'exec with stdin': (docker) => exec(docker, { Cmd: ['cat'], AttachStdin: true }, 'through'),
    'exec as a user, somewhere, with an environment': (docker) =>
      exec(docker, { Cmd: ['sh', '-c', 'id -u; pwd; echo $X'], User: '12', WorkingDir: '/etc', Env: ['X=y z'] }),
    'exec without a command': (docker) => exec(docker, { Cmd: [] }),
    'files put in and taken out': async (docker) => {
      const stream = await one(docker).getArchive({ path: '/etc/passwd' });
      const entries = await readArchive(stream);
      await one(docker).putArchive(entries.archive, { path: '/tmp' });
      const same = await exec(docker, { Cmd: ['cmp', '/etc/passwd', '/tmp/passwd'] });
      return { names: entries.names, same };
    },
    'file that is not there': (docker) => one(docker).getArchive({ path: '/nosuch' }),
    'file put where nothing is': (docker) => one(docker).putArchive(Buffer.alloc(1024), { path: '/nosuch' }),
    changes: async (docker) => {
      const changes = (await one(docker).changes()) as { Path: string; Kind: number }[];
      return changes.sort((a, b) => (a.Path < b.Path ? -1 : 1));
    },
    'one sample of its figures': async (docker) => {
      const stats = await one(docker).stats({ stream: false });
      return { keys: Object.keys(stats.memory_stats.stats ?? {}).length > 0, cpus: stats.cpu_stats.online_cpus };
    },
    'export of its files': async (docker) => {
      const names = (await readArchive(await one(docker).export())).names;
      return names.filter((name) => /^(etc\/passwd|tmp\/passwd|bin\/sh)$/.test(name)).sort();
    },
    'events of a restart': async (docker) => {
      const since = Date.now() / 1000;
      await one(docker).restart({ t: 0 });
      return actionsSince(docker, since, { container: ['one'], type: ['container'] });
    },
  },
};
