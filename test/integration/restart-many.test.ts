import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import Docker from 'dockerode';
import { processExists } from '../../src/base/process.ts';
import { listMounts } from '../../src/host/mount.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { listProcesses } from '../helpers/leaks-processes.ts';
import { costOfStats, cpuTime } from '../helpers/stats-streams.ts';

const count = 100;
/** Milliseconds of a processor: ten times what is aimed at, since machines that run tests are slow. */
const restoreLimit = 10_000;
const forever = ['sleep', '100000'];

interface Running {
  readonly id: string;
  readonly pid: number;
}

/** Starts the containers, eight at a time, every second one on the bridge. */
async function startMany(engine: TestEngine): Promise<Running[]> {
  const Image = await starterImage(engine);
  const wanted = Array.from({ length: count }, (_, at) => at);
  const running: Running[] = [];
  const worker = async (): Promise<void> => {
    for (let at = wanted.pop(); at !== undefined; at = wanted.pop()) {
      const HostConfig = { NetworkMode: at % 2 === 0 ? 'none' : 'bridge' };
      const created = await engine.api('POST', `/containers/create?name=c${at}`, { Image, Cmd: forever, HostConfig });
      assert.equal(created.status, 201, created.text);
      const { Id: id } = created.json<{ Id: string }>();
      const started = await engine.api('POST', `/containers/${id}/start`);
      assert.equal(started.status, 204, started.text);
      running.push({ id, pid: await pidOf(engine, id) });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return running.sort((a, b) => a.id.localeCompare(b.id));
}

async function pidOf(engine: TestEngine, id: string): Promise<number> {
  const { State } = (await engine.api('GET', `/containers/${id}/json`)).json<{ State: { Pid: number } }>();
  return State.Pid;
}

async function listRunning(engine: TestEngine): Promise<Running[]> {
  const listed = (await engine.api('GET', '/containers/json')).json<{ Id: string; State: string }[]>();
  const found = listed.filter(({ State }) => State === 'running').map(({ Id }) => Id);
  const all = await Promise.all(found.map(async (id) => ({ id, pid: await pidOf(engine, id) })));
  return all.sort((a, b) => a.id.localeCompare(b.id));
}

/** Milliseconds, as the last line of the log that tells says. */
function restoreTime(engine: TestEngine): number {
  const lines = engine.log().split('\n');
  const line = lines.findLast((text) => text.includes('state restored')) ?? '';
  assert.match(line, new RegExp(` running=${count} `));
  return Number(/ milliseconds=(\d+)/.exec(line)?.[1]);
}

/** Kibibytes of memory that are a process's own share (proc_pid_smaps(5), Pss). */
function memoryOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

/** What a container of the engine could have left. */
function leftovers(engine: TestEngine): unknown {
  const below = `${engine.root}/`;
  return {
    mounts: ['containers', 'netns']
      .flatMap((folder) => listMounts(path.join(engine.execRoot, folder)))
      .map(({ target }) => target),
    processes: listProcesses()
      .filter(({ command }) => command.includes(below) && !command.includes('tugd.mjs'))
      .map(({ command }) => command),
    ports: existsSync(`/sys/class/net/${engine.bridge}/brif`) ? portsOf(engine.bridge) : [],
  };
}

const portsOf = (bridge: string): string[] =>
  readFileSync('/proc/net/dev', 'utf8')
    .split('\n')
    .map((line) => line.split(':')[0]?.trim() ?? '')
    .filter((name) => name !== '' && existsSync(`/sys/class/net/${bridge}/brif/${name}`));

describe('an engine with a hundred running containers', () => {
  it('is back at once after it was killed, with all of them, and removes them without a trace', async (t) => {
    await using engine = await startEngine();
    const began = performance.now();
    const running = await startMany(engine);
    t.diagnostic(`${count} containers started in ${Math.round(performance.now() - began)} ms, eight at a time`);
    const before = memoryOf(engine.pid);
    assert.deepEqual(await engine.kill(), { code: null, signal: 'SIGKILL' });

    const restart = performance.now();
    await engine.restart();
    const answered = Math.round(performance.now() - restart);
    const taken = cpuTime(engine.pid);
    const restored = restoreTime(engine);
    t.diagnostic(`state restored in ${restored} ms; the first answer ${answered} ms after the process was started`);
    t.diagnostic(`memory (PSS) of tugd: ${before} KiB before the kill, ${memoryOf(engine.pid)} KiB after the restart`);
    assert.deepEqual(await listRunning(engine), running);
    assert.ok(taken < restoreLimit, `${taken} ms`);

    const share = await costOfStats(
      engine,
      running.map(({ id }) => id),
      4,
    );
    t.diagnostic(`stats of all, streaming: ${(share * 100).toFixed(1)} % of a core`);
    assert.ok(share < 0.5, `${share}`);

    const removing = performance.now();
    const removed = await engine.tug(['rm', '-f', ...running.map(({ id }) => id)]);
    assert.equal(removed.code, 0, removed.stderr);
    t.diagnostic(`rm -f of all: ${Math.round(performance.now() - removing)} ms`);
    assert.deepEqual((await engine.api('GET', '/containers/json?all=1')).json(), []);
    assert.deepEqual(leftovers(engine), { mounts: [], processes: [], ports: [] });
    for (const { pid } of running) assert.equal(processExists(pid), false);
  });
});

/** Says a line to a container's stdin, hears one, and leaves; the container's stdin stays open. */
async function converse(engine: TestEngine, name: string, line: string): Promise<string> {
  const docker = new Docker({ socketPath: engine.socket });
  const streams = { stream: true, stdin: true, stdout: true, hijack: true };
  const stream = await docker.getContainer(name).attach(streams);
  stream.write(`${line}\n`);
  const [heard] = (await once(stream, 'data')) as [Buffer];
  (stream as Duplex).destroy();
  return heard.subarray(8).toString();
}

describe('an engine that is told to end', () => {
  it('leaves containers running with their stdin and output, and takes them up again', async () => {
    await using engine = await startEngine();
    const Image = await starterImage(engine);
    const Cmd = ['sh', '-c', 'n=0; while read line; do n=$((n+1)); echo "$n $line"; done; exit 4'];
    await engine.api('POST', '/containers/create?name=reader', { Image, Cmd, OpenStdin: true });
    assert.equal((await engine.api('POST', '/containers/reader/start')).status, 204);
    const pid = await pidOf(engine, 'reader');
    assert.equal(await converse(engine, 'reader', 'one'), '1 one\n');

    assert.deepEqual(await engine.stop(), { code: 0, signal: null });
    assert.ok(processExists(pid));
    await engine.restart();
    assert.equal(await pidOf(engine, 'reader'), pid);
    assert.equal(await converse(engine, 'reader', 'two'), '2 two\n');
    assert.equal((await engine.tug(['logs', 'reader'])).stdout, '1 one\n2 two\n');
  });

  it('records the ends that came while it was away', async () => {
    await using engine = await startEngine();
    const Image = await starterImage(engine);
    for (const [name, AutoRemove] of [
      ['kept', false],
      ['removed', true],
    ] as const) {
      const HostConfig = { NetworkMode: 'none', AutoRemove };
      const Cmd = ['sh', '-c', 'trap "echo bye; exit 7" TERM; while :; do sleep 0.05; done'];
      await engine.api('POST', `/containers/create?name=${name}`, { Image, Cmd, HostConfig });
      assert.equal((await engine.api('POST', `/containers/${name}/start`)).status, 204);
    }
    const pids = await Promise.all(['kept', 'removed'].map((name) => pidOf(engine, name)));
    await engine.stop();
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    await engine.restart(); // takes longer than the two need to end
    const waited = await engine.api('POST', '/containers/kept/wait');
    assert.equal(waited.json<{ StatusCode: number }>().StatusCode, 7);
    assert.equal((await engine.tug(['logs', 'kept'])).stdout, 'bye\n');
    const gone = await engine.api('POST', '/containers/removed/wait?condition=removed');
    assert.ok([200, 404].includes(gone.status), gone.text);
    assert.equal((await engine.api('GET', '/containers/removed/json')).status, 404);
  });
});

describe('a state that this engine cannot read', () => {
  it('is refused with a sentence and left as it is', async () => {
    await using engine = await startEngine();
    await engine.stop();
    const file = path.join(engine.dataRoot, 'state.db');
    const copy = path.join(engine.root, 'state.copy');
    await copyFile(file, copy);

    using database = new DatabaseSync(file);
    database.exec("UPDATE schema_versions SET version = 99 WHERE domain = 'containers'");
    database.close();
    await assert.rejects(engine.restart(), /tugd: the state of "containers" is of schema 99, .*start a newer tugd\n$/);

    await writeFile(file, 'this is no database, and long enough to be looked at as one'.repeat(100));
    await assert.rejects(
      engine.restart(),
      /tugd: the engine's state .*state\.db is damaged, or no database: .*put back a copy/,
    );
    assert.match(readFileSync(file, 'utf8'), /^this is no database/);

    await copyFile(copy, file);
    await engine.restart();
  });
});
