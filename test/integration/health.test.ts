import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { starterArchive } from '../../scripts/starter-image.ts';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import type { EventMessage } from '../../src/api/types/event.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent, pastEvents } from '../helpers/events.ts';
import { until } from '../helpers/until.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();
const healthOf = async (name: string) => (await inspect(name)).State.Health;
const becomes = (name: string, status: string, since?: number): Promise<EventMessage> =>
  nextEvent(engine, name, ({ Action }) => Action === `health_status: ${status}`, since);

async function run(name: string, ...flags: string[]): Promise<void> {
  const { code, stderr } = await engine.tug([
    ...['run', '-d', '--name', name, '--health-interval', '50ms', ...flags, 'busybox', 'sleep', '100000'],
  ]);
  assert.equal(code, 0, stderr);
}

for (const cli of commandLines) {
  describe(`a health check by ${cli}`, () => {
    it('goes from starting to unhealthy to healthy, in ps, its filters, inspect and events', async () => {
      const name = `web-${cli}`;
      const since = Date.now() / 1000;
      const sick = becomes(name, 'unhealthy');
      const command = ['--health-cmd', 'echo out; echo err >&2; cat /ok', '--health-interval', '150ms'];
      const ran = await engine[cli]([
        'run',
        '-d',
        '--name',
        name,
        ...command,
        '--health-retries',
        '2',
        'busybox',
        'sleep',
        '100000',
      ]);
      assert.equal(ran.code, 0, ran.stderr);
      const status = async () => (await engine[cli](['ps', '--format', '{{.Status}}'])).stdout;
      const listed = async (health: string) =>
        (await engine[cli](['ps', '-q', '-f', `health=${health}`])).stdout !== '';
      await sick;
      assert.match(await status(), /^Up .* \(unhealthy\)$/m);
      assert.deepEqual(
        [await listed('unhealthy'), await listed('healthy'), await listed('none')],
        [true, false, false],
      );
      const { FailingStreak = 0, Log = [] } = (await healthOf(name)) ?? {};
      assert.ok(FailingStreak >= 2 && Log.length >= 2 && Log.length <= 5);
      assert.deepEqual(
        [Log[0]?.ExitCode, Log[0]?.Output.split('\n').sort().slice(1)],
        [1, ["cat: can't open '/ok': No such file or directory", 'err', 'out']],
      );
      const well = becomes(name, 'healthy');
      await engine[cli](['exec', name, 'touch', '/ok']);
      await well;
      assert.match(await status(), /^Up .* \(healthy\)$/m);
      assert.deepEqual([(await healthOf(name))?.FailingStreak, await listed('healthy')], [0, true]);
      const all = await pastEvents(engine, since, { type: ['container'], container: [name] });
      const shell = '/bin/sh -c echo out; echo err >&2; cat /ok';
      const first = [`exec_create: ${shell}`, `exec_start: ${shell}`, 'exec_die'];
      const actions = all.map(({ Action }) => Action);
      assert.deepEqual(actions.slice(0, 9), ['create', 'start', ...first, ...first, 'health_status: unhealthy']);
      assert.equal(all.find(({ Action }) => Action === 'exec_die')?.Actor.Attributes['exitCode'], '1');
      await engine[cli](['stop', '-t', '0', name]);
      assert.equal((await healthOf(name))?.Status, 'unhealthy');
      await engine[cli](['start', name]);
      assert.match(await status(), /\(health: starting\)|\(healthy\)/m);
      await engine[cli](['rm', '-f', name]);
    });
  });
}

describe('health checks', () => {
  it('kill a probe that takes too long, with its children, also one that a killed engine left', async () => {
    const processes = async (name: string): Promise<string[]> =>
      (await engine.docker(['exec', name, 'ps', '-o', 'pid,args'])).stdout.match(/^ *\d+ sleep 12345$/gm) ?? [];
    const flags = ['--init', '--health-timeout', '300ms', '--health-retries', '1'];
    await run('slow', ...flags, '--health-cmd', 'echo begun; sleep 12345 & sleep 12345; true');
    await becomes('slow', 'unhealthy', 0);
    // on a busy machine the time can be over before the probe says anything
    const told = async () => (await healthOf('slow'))?.Log.find(({ Output }) => Output.includes('begun'));
    let probe = await told();
    for (; !probe; probe = await told()) await nextEvent(engine, 'slow', ({ Action }) => Action === 'exec_die');
    assert.deepEqual([probe.ExitCode, probe.Output], [-1, 'Health check exceeded timeout (300ms): begun\n']);
    await run('stuck', '--init', '--health-cmd', 'sleep 12345 & sleep 12345; true', '--health-timeout', '1h');
    await nextEvent(engine, 'stuck', ({ Action }) => Action.startsWith('exec_start'), 0);
    const left = await until(async () => {
      const now = await processes('stuck');
      return now.length > 0 && now;
    }, 'the probe that was started to do something');
    await engine.kill();
    await engine.restart();
    const isLeft = async () => {
      const now = await processes('stuck');
      return left.some((line) => now.includes(line));
    };
    await until(async () => !(await isLeft()), 'the probe of before to go');
    await until(async () => (await processes('slow')).length <= 2, 'no more than those of the one that runs now');
    await engine.docker(['rm', '-f', 'slow', 'stuck']);
  });

  it('find a container healthy long before the first regular check, and say nothing of those that fail before', async () => {
    const hour = ['--health-interval', '1h', '--health-cmd'];
    await run('early', ...hour, '[ -e /ok ] || { touch /tried; exit 1; }');
    const tried = async () => (await engine.docker(['exec', 'early', 'ls', '/tried'])).code === 0;
    await until(tried, 'a first try');
    const { Log: before, FailingStreak } = (await healthOf('early'))!;
    assert.deepEqual([before, FailingStreak], [[], 0]);
    await engine.docker(['exec', 'early', 'touch', '/ok']);
    await becomes('early', 'healthy', 0);
    const { Log, Status } = (await healthOf('early'))!;
    assert.deepEqual([Status, Log.map(({ ExitCode }) => ExitCode)], ['healthy', [0]]);
    const all = await pastEvents(engine, 0, { container: ['early'] });
    const own = all.map(({ Action }) => Action).filter((action) => action.includes('/tried; exit'));
    assert.deepEqual(own, [], 'no event tells of an early check');
    await run('cut', ...hour, 'true');
    await engine.kill(); // most likely before the first of them
    await engine.restart();
    await becomes('cut', 'healthy', 0);
    await engine.docker(['rm', '-f', 'early', 'cut']);
  });

  it('wait for the first interval where the engine is told to look no sooner', async () => {
    await using plain = await startEngine({ args: ['--health-early-probes=false'] });
    await starterImage(plain);
    const command = ['--health-interval', '700ms', '--health-cmd', 'true'];
    const ran = await plain.tug(['run', '-d', '--name', 'web', ...command, 'busybox', 'sleep', '100000']);
    assert.equal(ran.code, 0, ran.stderr);
    await nextEvent(plain, 'web', ({ Action }) => Action === 'health_status: healthy', 0);
    const all = (await pastEvents(plain, 0, { container: ['web'] })).map(({ Action }) => Action.split(':')[0]);
    assert.deepEqual(all.slice(0, 6), ['create', 'start', 'exec_create', 'exec_start', 'exec_die', 'health_status']);
  });

  it('keep their state over an engine that is killed, and go on', async () => {
    await run('kept', '--health-cmd', 'cat /ok', '--health-interval', '300ms', '--health-retries', '1');
    await becomes('kept', 'unhealthy', 0);
    const before = await healthOf('kept');
    await engine.kill();
    const since = Date.now() / 1000;
    await engine.restart();
    const now = await healthOf('kept');
    assert.equal(now?.Status, 'unhealthy');
    assert.ok((now?.FailingStreak ?? 0) >= (before?.FailingStreak ?? 0));
    await engine.docker(['exec', 'kept', 'touch', '/ok']);
    await becomes('kept', 'healthy', since);
    await engine.docker(['rm', '-f', 'kept']);
  });

  it('rest while the container is paused, and take no room among the execs', async () => {
    await run('ice', '--health-cmd', 'true');
    await becomes('ice', 'healthy', 0);
    await engine.docker(['pause', 'ice']);
    const since = Date.now() / 1000;
    const other = 'beside';
    await run(other, '--health-cmd', '[ -e /ok ]', '--health-retries', '1');
    await becomes(other, 'unhealthy', since);
    const { Log: before = [] } = (await healthOf('ice')) ?? {};
    await engine.docker(['exec', other, 'touch', '/ok']); // a time in which others are looked at
    await becomes(other, 'healthy', since);
    assert.deepEqual((await healthOf('ice'))?.Log, before);
    assert.equal((await healthOf('ice'))?.Status, 'healthy');
    const unpaused = Date.now() / 1000;
    await engine.docker(['unpause', 'ice']);
    await nextEvent(engine, 'ice', ({ Action }) => Action === 'exec_die', unpaused);
    await engine.docker(['rm', '-f', 'ice', other]);
  });

  it('come from the image, and can be changed or left out', async () => {
    const query = new URLSearchParams({
      fromSrc: '-',
      repo: 'checked',
      changes: 'HEALTHCHECK --interval=50ms CMD true',
    });
    await engine.api('POST', `/images/create?${query}`, await starterArchive());
    const start = async (...flags: string[]): Promise<ContainerInspect> => {
      const ran = await engine.docker(['run', '-d', '--name', 'of', ...flags, 'checked', 'sleep', '100000']);
      assert.equal(ran.code, 0, ran.stderr);
      const inspected = await inspect('of');
      if (flags.length === 0) await becomes('of', 'healthy', 0);
      await engine.docker(['rm', '-f', 'of']);
      return inspected;
    };
    const plain = await start();
    assert.match(plain.State.Health?.Status ?? '', /^(starting|healthy)$/);
    assert.equal((await start('--no-healthcheck')).State.Health, undefined);
    const changed = (await start('--health-retries', '9')).Config['Healthcheck'] as { Test: string[]; Retries: number };
    assert.deepEqual([changed.Test, changed.Retries], [['CMD-SHELL', 'true'], 9]);
  });

  it('fail when their command cannot be run, and are refused when they are none', async () => {
    await engine.api('POST', '/containers/create?name=none', {
      ...{ Image: 'busybox', Cmd: ['sleep', '100000'] },
      Healthcheck: { Test: ['CMD', '/no/such/check'], Interval: 50_000_000, Retries: 1 },
    });
    await engine.docker(['start', 'none']);
    await becomes('none', 'unhealthy', 0);
    const last = (await healthOf('none'))?.Log.at(-1);
    assert.equal(last?.ExitCode, -1);
    assert.match(last?.Output ?? '', /no such file or directory/);
    const bad = await engine.api('POST', '/containers/create', {
      Image: 'busybox',
      Healthcheck: { Test: ['SHELL', 'x'] },
    });
    assert.deepEqual([bad.status, /must begin with CMD/.test(bad.text)], [400, true]);
    const filter = await engine.docker(['ps', '-f', 'health=ill']);
    assert.match(filter.stderr, /unrecognised filter value for health: ill/);
    await engine.docker(['rm', '-f', 'none']);
  });
});

describe('--restart-on-unhealthy', () => {
  const flags = ['--restart-on-unhealthy', '--health-cmd', '[ ! -e /sick ]', '--health-retries', '2'];

  it('restarts a container that becomes unhealthy as its policy allows, and lets it run then', async () => {
    await run('sick', ...flags, '--restart', 'on-failure:2', '--init');
    const since = Date.now() / 1000;
    let sicknesses = 0;
    const left = nextEvent(engine, 'sick', ({ Action }) => Action === 'health_status: unhealthy' && ++sicknesses === 3);
    await engine.docker(['exec', 'sick', 'touch', '/sick']);
    await left;
    const { State, RestartCount } = await inspect('sick');
    assert.deepEqual([State.Status, State.Health?.Status, RestartCount], ['running', 'unhealthy', 2]);
    const actions = (await pastEvents(engine, since, { container: ['sick'] })).map(({ Action }) => Action);
    const round = ['health_status: unhealthy', 'kill', 'die', 'stop', 'start'];
    assert.deepEqual(
      actions.filter((action) => round.includes(action)),
      [...round, ...round, 'health_status: unhealthy'],
    );
    await engine.docker(['rm', '-f', 'sick']);
  });

  it('is finished by the next engine when one is killed meanwhile', async () => {
    const ignores = ['--stop-timeout', '1', 'busybox', 'sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    const ran = await engine.tug([
      'run',
      '-d',
      '--name',
      'cut',
      '--health-interval',
      '50ms',
      ...flags,
      '--restart',
      'always',
      ...ignores,
    ]);
    assert.equal(ran.code, 0, ran.stderr);
    const killed = nextEvent(engine, 'cut', ({ Action }) => Action === 'kill');
    const since = Date.now() / 1000;
    await engine.docker(['exec', 'cut', 'touch', '/sick']);
    await killed;
    await engine.kill();
    await engine.restart();
    await nextEvent(engine, 'cut', ({ Action }) => Action === 'start', since);
    assert.ok((await inspect('cut')).RestartCount >= 1);
    await engine.docker(['rm', '-f', 'cut']);
  });

  it('is refused without a health check or a policy', async () => {
    const create = async (...more: string[]) => (await engine.tug(['create', ...more, 'busybox'])).stderr;
    const words = /restarting on unhealthy needs a health check, and a restart policy other than "no"/;
    assert.match(await create(...flags), words);
    assert.match(await create('--restart-on-unhealthy', '--restart', 'always'), words);
  });
});
