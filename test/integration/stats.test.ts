import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ContainerStats } from '../../src/api/types/container-stats.ts';
import type { RunResult } from '../../src/base/process.ts';
import { begin, commandLines, environmentOf, programOf } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { onTerminal } from '../helpers/pty.ts';
import { until } from '../helpers/until.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

/** One that has written something, and then takes all the CPU time it may have. */
const runBusy = async (name: string): Promise<void> => {
  const script = 'dd if=/dev/zero of=/file bs=64k count=64 conv=fsync 2>/dev/null; echo written; while :; do :; done';
  const limits = ['--memory', '64m', '--cpus', '0.3', '--pids-limit', '20'];
  await engine.tug(['run', '-d', '--name', name, ...limits, 'busybox', 'sh', '-c', script]);
  using log = begin(engine, 'tug', ['logs', '-f', name]);
  await log.said('written');
  log.child.kill('SIGKILL');
  await log.ended;
};

const frameOf = async (name: string, query: string): Promise<ContainerStats> => {
  const answer = await engine.api('GET', `/containers/${name}/stats?stream=false${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json<ContainerStats>();
};

/** The share of a core that a container took between the two looks of a frame. */
function shareOf({ cpu_stats: now, precpu_stats: then }: ContainerStats): number {
  const own = now.cpu_usage.total_usage - then.cpu_usage.total_usage;
  const host = (now.system_cpu_usage ?? 0) - (then.system_cpu_usage ?? 0);
  return (own / host) * (now.online_cpus ?? 0);
}

/** Of a limit of 0.3; on a busy machine it does not get that. */
const isWithin = (share: number): boolean => share > 0 && share < 0.6;

/** Files of control groups and of namespaces that the engine holds open. */
const filesHeld = (): string[] =>
  readdirSync(`/proc/${engine.pid}/fd`).flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${engine.pid}/fd/${fd}`);
      return /^\/sys\/fs\/cgroup|^\/proc\/.*net\/dev|^\/proc\/stat/.test(target) ? [target] : [];
    } catch {
      return []; // closed meanwhile
    }
  });

/** Waits until the engine holds no such file; `/proc/stat` may stay where somebody listens. */
async function filesLetGo(...but: string[]): Promise<void> {
  await until(
    () => filesHeld().every((file) => but.includes(file)),
    () => `the engine to close ${filesHeld().join(' ')}`,
  );
}

describe('stats of a running container', () => {
  before(() => runBusy('busy'));
  after(() => engine.tug(['rm', '-f', 'busy']));

  it('tell what it uses and may use, with the frame before', async () => {
    // where the engine is held up between its two looks, the share of one is not that of the other
    const frame = await until(async () => {
      const now = await frameOf('busy', '');
      return isWithin(shareOf(now)) && now;
    }, 'a share as it is limited');
    assert.equal(frame.name, '/busy');
    assert.equal(frame.memory_stats.limit, 64 * 1024 * 1024);
    assert.ok((frame.memory_stats.usage ?? 0) > 0 && Object.keys(frame.memory_stats.stats ?? {}).length > 10);
    assert.deepEqual([frame.pids_stats.current, frame.pids_stats.limit], [1, 20]);
    assert.ok(Date.parse(frame.read) - Date.parse(frame.preread) > 500, `${frame.preread} to ${frame.read}`);
    assert.ok(frame.cpu_stats.throttling_data.periods > 0);
    assert.ok((frame.networks?.['eth0']?.rx_bytes ?? -1) >= 0, JSON.stringify(frame.networks));
  });

  it('come at once with one-shot, and the files are let go', async () => {
    const frame = await frameOf('busy', '&one-shot=true');
    assert.equal(frame.preread, '0001-01-01T00:00:00Z');
    assert.equal(frame.precpu_stats.system_cpu_usage, undefined);
    assert.ok(frame.cpu_stats.cpu_usage.total_usage > 0);
    await filesLetGo();
  });

  it('refuse what makes no sense', async () => {
    assert.equal((await engine.api('GET', '/containers/busy/stats?one-shot=1')).status, 400);
    assert.equal((await engine.api('GET', '/containers/none/stats')).status, 404);
  });

  it('are sampled once for all who listen, until the last one goes', async () => {
    using begun = new DisposableStack();
    const streams = commandLines.map((cli) =>
      begun.use(begin(engine, cli, ['stats', '--format', '{{.Name}} {{.CPUPerc}}', 'busy'])),
    );
    await Promise.all(streams.map((stream) => stream.said('%', 'stdout'))); // as soon as there is a share to tell
    const held = filesHeld();
    assert.ok(held.length > 3, held.join());
    assert.equal(new Set(held).size, held.length);
    for (const { child } of streams) child.kill('SIGKILL');
    await Promise.all(streams.map(({ ended }) => ended));
    await filesLetGo();
  });
});

describe('stats of a container that does not run', () => {
  it('are zeros, and the stream goes on until it is removed', async () => {
    await engine.tug(['create', '--name', 'idle', 'busybox', 'true']);
    const frame = await frameOf('idle', '');
    assert.deepEqual([frame.read, frame.pids_stats, frame.memory_stats], ['0001-01-01T00:00:00Z', {}, {}]);
    assert.equal(frame.networks, undefined);
    const stream = engine.api('GET', '/containers/idle/stats');
    await engine.tug(['rm', 'idle']);
    const frames = (await stream).text.trim().split('\n');
    assert.ok(
      frames.every((line) => line === '' || (JSON.parse(line) as ContainerStats).pids_stats.current === undefined),
    );
  });

  it('follow a container over its end and its next start', async () => {
    await engine.tug(['run', '-d', '--name', 'phoenix', 'busybox', 'sleep', '1000']);
    using stats = begin(engine, 'docker', ['stats', '--format', '{{.Name}}={{.PIDs}}', 'phoenix']);
    const { child, ended } = stats;
    const gone = ended.then(({ stderr }) => assert.fail(`it ended: ${stderr}`));
    gone.catch(() => undefined); // told where it is waited for
    let seen = '';
    child.stdout?.on('data', (text) => {
      seen += text;
    });
    const shows = async (text: string) => {
      seen = '';
      while (!seen.includes(text)) await Promise.race([once(child.stdout ?? child, 'data'), gone]);
    };
    await shows('phoenix=1');
    await engine.tug(['kill', 'phoenix']);
    await shows('phoenix=0');
    await filesLetGo('/proc/stat');
    await engine.tug(['start', 'phoenix']);
    await shows('phoenix=1');
    child.kill('SIGKILL');
    await ended;
    await engine.tug(['rm', '-f', 'phoenix']);
  });
});

describe('tug stats', () => {
  before(() => runBusy('busy'));
  after(() => engine.tug(['rm', '-f', 'busy', 'idle']));

  it("prints docker's table, templates and JSON", async () => {
    await engine.tug(['create', '--name', 'idle', 'busybox', 'true']);
    const masked = (text: string) =>
      text
        .replace(/[\d.]+(%|[KM]i?B|kB|B)/g, '#$1')
        .replace(/[KMk]i?B/g, 'B')
        .replace(/ +/g, ' ');
    const lines = [
      ['--no-stream'],
      ['--no-stream', '-a'],
      ['--no-stream', '--no-trunc', 'idle', 'busy'],
      ['--no-stream', '--format', 'table {{.Container}}\t{{.Name}}\t{{.PIDs}}', '-a'],
      ['--no-stream', '--format', 'json', 'idle'],
      ['--no-stream', '--format', '{{.ID}} {{.MemPerc}} {{.BlockIO}} {{.NetIO}}', 'idle'],
    ];
    const both = (args: readonly string[]): Promise<[RunResult, RunResult]> =>
      Promise.all([engine.tug(['stats', ...args]), engine.docker(['stats', ...args])]);
    for (const [at, [tug, docker]] of (await Promise.all(lines.map(both))).entries()) {
      assert.equal(masked(tug.stdout), masked(docker.stdout), String(lines[at]));
      assert.deepEqual([tug.code, tug.stderr], [0, '']);
    }
    for (const args of [['none'], ['--no-stream', 'none', 'busy']]) {
      const [tug, docker] = await both(args);
      assert.deepEqual([tug.code, tug.stderr], [docker.code, docker.stderr]);
    }
  });

  it('is redrawn in place on a terminal, with containers that come and without those that go', async () => {
    await using terminal = await onTerminal([programOf('tug'), 'stats'], environmentOf(engine));
    await terminal.shows(/\x1b\[H.*CONTAINER ID.*busy/s);
    await engine.tug(['run', '-d', '--name', 'late', 'busybox', 'sleep', '1000']);
    const shown = await terminal.shows(
      /\x1b\[H[^\x1b]*(\x1b\[K[^\x1b]*)*late[^\x1b]*\x1b\[K\r\n(\x1b\[K|[^\x1b])*\x1b\[J/,
    );
    assert.ok(!shown[0].includes('\x1b[2J'), 'cleared while it was redrawn');
    await engine.tug(['rm', '-f', 'late']);
    await terminal.shows(/\x1b\[H((?!late|\x1b\[J).)*busy((?!late|\x1b\[J).)*\x1b\[J/s);
    process.kill(terminal.program(), 'SIGINT');
    assert.equal((await terminal.ended).code, 130);
  });

  it('ends when the containers it was given are removed', async () => {
    await engine.tug(['run', '-d', '--name', 'brief', 'busybox', 'sleep', '1000']);
    using stats = begin(engine, 'tug', ['stats', '--format', 'json', 'brief']);
    await stats.said('\n', 'stdout');
    await engine.tug(['rm', '-f', 'brief']);
    const { code, stdout } = await stats.ended;
    assert.equal(code, 0);
    assert.equal((JSON.parse(stdout.split('\n')[0] ?? '') as { Name: string }).Name, 'brief');
  });
});
