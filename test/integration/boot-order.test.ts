import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import type { EventMessage } from '../../src/api/types/event.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent } from '../helpers/events.ts';
import { cutPower } from '../helpers/power-cut.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

async function run(name: string, ...args: string[]): Promise<void> {
  const flags = ['--restart', 'always', '--health-interval', '50ms', '--health-retries', '1'];
  const { code, stderr } = await engine.tug([
    'run',
    '-d',
    '--name',
    name,
    ...flags,
    ...args,
    'busybox',
    'sleep',
    '100000',
  ]);
  assert.equal(code, 0, stderr);
}

const started = (name: string, since: number): Promise<EventMessage> =>
  nextEvent(engine, name, ({ Action }) => Action === 'start', since);

describe('containers that depend on others', () => {
  it('come up with the engine in their order, after a start or after health', async () => {
    const healthy = ['--health-cmd', '[ -e /up ]', '--health-retries', '1000'];
    await run('db', ...healthy);
    await run('cache', '--depends-on', 'db');
    await run('web', '--depends-on', 'cache', '--depends-on', 'db:healthy');
    const { Id } = await inspect('db');
    assert.deepEqual((await inspect('cache')).HostConfig['DependsOn'], [{ Container: Id, Condition: 'started' }]);
    await engine.tug(['rename', 'db', 'base']);
    await cutPower(engine);
    const since = Date.now() / 1000;
    await engine.restart();
    const [base, cache] = [await started('base', since), await started('cache', since)];
    assert.ok(base.timeNano < cache.timeNano);
    assert.equal((await inspect('web')).State.Status, 'exited');
    await engine.tug(['exec', 'base', 'touch', '/up']);
    await started('web', since);
    assert.equal((await inspect('base')).State.Health?.Status, 'healthy');
    await engine.tug(['rm', '-f', 'base', 'cache', 'web']);
  });

  it('stay down when one that they depend on does, and say so', async () => {
    await run('bad', '--health-cmd', 'false');
    await run('hurt', '--depends-on', 'bad:healthy');
    await run('next', '--depends-on', 'hurt');
    await run('off', '--restart', 'no');
    await run('lost', '--depends-on', 'off');
    await run('gone');
    await run('free', '--depends-on', 'gone');
    await engine.tug(['rm', '-f', 'gone']);
    await cutPower(engine);
    const since = Date.now() / 1000;
    await engine.restart();
    const failed = (name: string) => nextEvent(engine, name, ({ Action }) => Action === 'dependency_failed', since);
    const [hurt, next, lost] = [await failed('hurt'), await failed('next'), await failed('lost')];
    assert.deepEqual([hurt.Actor.Attributes['dependency'], hurt.Actor.Attributes['reason']], ['bad', 'is unhealthy']);
    assert.equal(next.Actor.Attributes['dependency'], 'hurt');
    assert.equal(lost.Actor.Attributes['reason'], 'does not run');
    const { State } = await inspect('hurt');
    const why = 'not started with the engine: container "bad", which it depends on, is unhealthy';
    assert.deepEqual([State.Status, State.Error], ['exited', why]);
    assert.match(engine.log(), /a container stays down because of one that it depends on/);
    await started('free', since);
    assert.equal((await engine.tug(['start', 'hurt'])).code, 0, 'by hand nothing is waited for');
    assert.equal((await inspect('hurt')).State.Error, '');
    await engine.tug(['rm', '-f', 'bad', 'hurt', 'next', 'off', 'lost', 'free']);
  });

  it('are refused when what they depend on is not there, or has no health to wait for', async () => {
    const create = (...flags: string[]) => engine.tug(['create', ...flags, 'busybox']);
    assert.match((await create('--depends-on', 'nobody')).stderr, /No such container: nobody/);
    assert.match((await create('--depends-on', 'a:b')).stderr, /bad format for depends-on: "a:b"/);
    await engine.tug(['create', '--name', 'plain', 'busybox']);
    assert.match((await create('--depends-on', 'plain:healthy')).stderr, /"plain": it has no health check/);
    const wrong = { DependsOn: [{ Container: 'plain', Condition: 'perfect' }] };
    const answer = await engine.api('POST', '/containers/create', { Image: 'busybox', HostConfig: wrong });
    assert.equal(answer.status, 400);
    await engine.tug(['rm', 'plain']);
  });
});
