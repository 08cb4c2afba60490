import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { watchExit } from '../../src/host/process-watch.ts';
import { disagreements } from '../crash/invariants.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent, pastEvents } from '../helpers/events.ts';
import { cutPower } from '../helpers/power-cut.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

async function run(name: string, script: string, ...flags: string[]): Promise<void> {
  const { code, stderr } = await engine.tug(['run', '-d', '--name', name, ...flags, 'busybox', 'sh', '-c', script]);
  assert.equal(code, 0, stderr);
}

/** The actions of a container since a moment (Unix seconds), without those of networks. */
async function actions(name: string, since: number): Promise<string[]> {
  const events = await pastEvents(engine, since, { container: [name], type: ['container'] });
  return events.map(({ Action }) => Action);
}

for (const cli of commandLines) {
  describe(`${cli} restart`, () => {
    it('stops a container with its signal and starts it, with the events of Docker', async () => {
      await run('once', 'trap "exit 7" USR1; echo up; while :; do sleep 0.02; done', '--stop-signal', 'USR1');
      await nextLine('once', 'up');
      const before = await inspect('once');
      const since = Date.now() / 1000;
      assert.deepEqual(await engine[cli](['restart', 'once']), { code: 0, stdout: 'once\n', stderr: '' });
      assert.deepEqual(await actions('once', since), ['kill', 'die', 'stop', 'start', 'restart']);
      const { State, RestartCount } = await inspect('once');
      assert.deepEqual([State.Status, RestartCount], ['running', 0]);
      assert.notEqual(State.Pid, before.State.Pid);
      assert.equal((await engine[cli](['restart', '-s', 'KILL', '-t', '5', 'once'])).code, 0);
      assert.equal((await engine[cli](['rm', '-f', 'once'])).code, 0);
    });

    it('starts what does not run, keeps one of --rm, and refuses what is wrong', async () => {
      assert.equal((await engine[cli](['create', '--rm', '--name', 'fresh', 'busybox', 'sleep', '100000'])).code, 0);
      assert.equal((await engine[cli](['restart', 'fresh'])).stdout, 'fresh\n');
      assert.equal((await engine[cli](['restart', '-t', '0', 'fresh'])).stdout, 'fresh\n');
      assert.equal((await inspect('fresh')).State.Status, 'running');
      const bad = await engine[cli](['restart', '-s', 'NOSUCH', 'fresh', 'nobody']);
      assert.equal(bad.code, 1);
      assert.match(bad.stderr, /invalid signal: NOSUCH[\s\S]*No such container: nobody/i);
      assert.equal((await engine[cli](['rm', '-f', 'fresh'])).code, 0);
    });
  });
}

const nextLine = async (name: string, line: string): Promise<void> => {
  for await (const chunk of follow(name)) if (chunk.includes(line)) return;
};

async function* follow(name: string): AsyncGenerator<string> {
  const child = spawn('docker', ['logs', '-f', name], { env: { ...process.env, ...engine.clientEnv() } });
  try {
    for await (const chunk of child.stdout) yield String(chunk);
  } finally {
    child.kill('SIGKILL');
  }
}

describe('a restart policy', () => {
  it('restarts with a wait that doubles, shows so, and stands by its limit', async () => {
    const since = Date.now() / 1000;
    let deaths = 0;
    const ended = nextEvent(engine, 'limited', ({ Action }) => Action === 'die' && ++deaths === 4);
    await run('limited', 'echo try; exit 3', '--restart', 'on-failure:3');
    await ended;
    const { State, RestartCount, HostConfig } = await inspect('limited');
    assert.deepEqual([State.Status, State.ExitCode, RestartCount], ['exited', 3, 3]);
    assert.deepEqual(HostConfig['RestartPolicy'], { Name: 'on-failure', MaximumRetryCount: 3 });
    assert.equal((await engine.tug(['logs', 'limited'])).stdout, 'try\n'.repeat(4));
    assert.deepEqual(await actions('limited', since), ['create', ...Array(4).fill(['start', 'die']).flat()]);
    let more = 0;
    const again = nextEvent(engine, 'limited', ({ Action }) => Action === 'die' && ++more === 4);
    assert.equal((await engine.tug(['start', 'limited'])).code, 0);
    await again; // a start by hand counts anew
    await engine.tug(['rm', '-f', 'limited']);
  });

  it('waits in a state in which a container can be stopped, killed, restarted and removed', async () => {
    const call = (method: string, target: string) => engine.api(method, `/containers/${target}`);
    await Promise.all(['one', 'two', 'three', 'four'].map((name) => waiting(name)));
    const { State, Id, RestartCount } = await inspect('one');
    assert.deepEqual([State.Status, State.Running, State.Restarting, State.Pid], ['restarting', true, true, 0]);
    assert.ok(RestartCount >= 7);
    const listed = await engine.docker(['ps', '--format', '{{.Names}} {{.Status}}', '-f', 'status=restarting']);
    assert.match(listed.stdout, /^one Restarting \(9\) .* ago$/m);
    const wait = `Container ${Id} is restarting, wait until the container is running`;
    const refusals = [
      [await engine.api('POST', '/containers/one/exec', { Cmd: ['true'] }), 409, wait],
      [await call('POST', 'one/pause'), 409, wait],
      [await call('POST', 'one/attach?stream=1'), 409, `${wait} before attach`],
      [await call('POST', 'one/kill?signal=HUP'), 409, wait],
      [await call('POST', 'one/start'), 304, ''],
      [await call('DELETE', 'one'), 409, 'container is restarting: stop the container before removing or force remove'],
    ] as const;
    for (const [answer, status, words] of refusals) {
      assert.equal(answer.status, status, answer.text);
      assert.ok(answer.text.includes(words), answer.text);
    }
    const since = Date.now() / 1000;
    const done = [
      await call('POST', 'one/rename?name=uno'),
      await call('POST', 'uno/stop'),
      await call('POST', 'two/kill'),
      await call('POST', 'three/restart'),
      await call('DELETE', 'four?force=1'),
    ];
    assert.deepEqual(
      done.map(({ status }) => status),
      [204, 204, 204, 204, 204],
    );
    for (const name of ['uno', 'two']) {
      const { State: stopped } = await inspect(name);
      assert.deepEqual([stopped.Status, stopped.ExitCode, stopped.Restarting], ['exited', 9, false]);
    }
    assert.deepEqual(await actions('uno', since), ['rename', 'stop']);
    assert.deepEqual((await actions('three', since)).slice(0, 3), ['stop', 'start', 'restart']);
    assert.equal((await call('GET', 'four/json')).status, 404);
    await engine.docker(['rm', '-f', 'uno', 'two', 'three']);
  });

  it('does not follow a stop or a kill, and does follow other signals and faults', async () => {
    await run(
      'killed',
      'trap "exit 5" HUP; trap "" USR1; echo up; while :; do sleep 0.02; done',
      '--restart',
      'always',
    );
    await nextLine('killed', 'up');
    await engine.docker(['kill', '-s', 'USR1', 'killed']);
    const again = nextEvent(engine, 'killed', ({ Action }) => Action === 'start');
    await engine.docker(['kill', '-s', 'HUP', 'killed']);
    await again;
    await engine.docker(['kill', 'killed']);
    const { State } = await inspect('killed');
    assert.deepEqual([State.Status, State.ExitCode, State.Restarting], ['exited', 137, false]);
    await engine.docker(['rm', '-f', 'killed']);
  });

  it('lets wait, attach and logs -f end with the first run', async () => {
    const attached = await engine.docker([
      ...['run', '--name', 'seen', '--restart', 'always', 'busybox', 'sh', '-c', 'echo one; exit 4'],
    ]);
    assert.deepEqual([attached.code, attached.stdout], [4, 'one\n']);
    const waited = await engine.docker(['wait', 'seen']);
    assert.equal(waited.stdout, '4\n');
    const removed = engine.api('POST', '/containers/seen/wait?condition=removed');
    assert.match((await engine.tug(['logs', '-f', 'seen'])).stdout, /^(one\n)+$/);
    await engine.docker(['rm', '-f', 'seen']);
    const { StatusCode } = (await removed).json<{ StatusCode: number }>();
    assert.ok([4, 128, 137].includes(StatusCode), `${StatusCode}`); // when it waited, was just starting, or running
  });

  it('is refused when it is none, or with --rm', async () => {
    const create = async (host: object) =>
      (await engine.api('POST', '/containers/create', { Image: 'busybox', HostConfig: host })).text;
    assert.match(await create({ RestartPolicy: { Name: 'alway' } }), /unknown policy 'alway'/);
    assert.match(
      await create({ RestartPolicy: { Name: 'always' }, AutoRemove: true }),
      /can't create 'AutoRemove' container with restart policy/,
    );
    const both = await engine.tug(['run', '--rm', '--restart', 'always', 'busybox', 'true']);
    assert.match(both.stderr, /conflicting options: cannot specify both --restart and --rm/);
  });
});

/** A container that waits for the next twelve seconds. */
async function waiting(name: string, policy = 'always'): Promise<void> {
  let deaths = 0;
  const died = nextEvent(engine, name, ({ Action }) => Action === 'die' && ++deaths === 8);
  await run(name, 'exit 9', '--restart', policy);
  await died;
}

describe('restarts and an engine that dies', () => {
  it('go on where they were: running, waiting, and ended meanwhile', async () => {
    await run('runs', 'trap "exit 1" HUP; while :; do sleep 0.02; done', '--restart', 'always');
    await run('ends', 'trap "exit 1" HUP; echo up; while :; do sleep 0.02; done', '--restart', 'on-failure:5');
    await nextLine('ends', 'up');
    await waiting('waits');
    const before = await inspect('runs');
    const { RestartCount, State: waiter } = await inspect('waits');
    const died = (await inspect('ends')).State.Pid;
    await engine.kill();
    process.kill(died, 'SIGHUP');
    await gone(died);
    const since = Date.now() / 1000;
    await engine.restart();
    assert.equal((await inspect('runs')).State.Pid, before.State.Pid);
    for (const name of ['waits', 'ends']) await nextEvent(engine, name, ({ Action }) => Action === 'start', since);
    const started = Date.parse((await inspect('waits')).State.StartedAt);
    assert.ok(started - Date.parse(waiter.FinishedAt) > 12_000, 'it has waited as long as it was to');
    assert.ok((await inspect('waits')).RestartCount >= RestartCount);
    assert.equal((await inspect('ends')).RestartCount, 1);
    const again = nextEvent(engine, 'runs', ({ Action }) => Action === 'start');
    await engine.docker(['kill', '-s', 'HUP', 'runs']);
    await again;
    assert.equal((await inspect('runs')).RestartCount, 1);
    await engine.docker(['rm', '-f', 'runs', 'ends', 'waits']);
  });

  it('and a host that went down: `always`, `unless-stopped` that was not, and `on-failure` come up', async () => {
    const policies = {
      no: 'no',
      always: 'always',
      kept: 'unless-stopped',
      failed: 'on-failure',
      stopped: 'unless-stopped',
    };
    for (const [name, policy] of Object.entries({ ...policies, halted: 'always', done: 'on-failure' }))
      await run(name, name === 'done' ? 'exit 0' : 'exec sleep 100000', '--restart', policy);
    await engine.docker(['stop', '-t', '0', 'stopped', 'halted']);
    await engine.docker(['wait', 'done']);
    await cutPower(engine);
    const names = ['always', 'kept', 'failed', 'halted'];
    const since = Date.now() / 1000;
    await engine.restart();
    await Promise.all(names.map((name) => nextEvent(engine, name, ({ Action }) => Action === 'start', since)));
    const states = async (...all: string[]) => await Promise.all(all.map(async (name) => (await inspect(name)).State));
    for (const state of await states(...names)) assert.equal(state.Status, 'running');
    for (const state of await states('no', 'stopped', 'done')) assert.equal(state.Status, 'exited');
    assert.equal((await inspect('no')).State.ExitCode, 255);
    assert.equal((await inspect('always')).RestartCount, 0);
    assert.deepEqual(await disagreements(engine), []);
    await engine.docker(['rm', '-f', ...Object.keys(policies), 'halted', 'done']);
  });

  it('finish the restart of a client that was cut off', async () => {
    await run('cut', 'exec sleep 100000', '--rm');
    await engine.stop();
    await engine.restart({ TUG_CRASH_AT: 'container.restart.stopped' });
    await engine.api('POST', '/containers/cut/restart?t=0').catch(() => {});
    await engine.ended;
    const since = Date.now() / 1000;
    await engine.restart({ TUG_CRASH_AT: undefined });
    await nextEvent(engine, 'cut', ({ Action }) => Action === 'start', since);
    assert.equal((await inspect('cut')).State.Status, 'running');
    await engine.docker(['rm', '-f', 'cut']);
  });
});

/** Resolves when a process has ended. */
async function gone(pid: number): Promise<void> {
  await watchExit(pid).exited;
}
