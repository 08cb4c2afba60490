import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { removeContainers } from '../helpers/engine-sweep.ts';
import { pastEvents } from '../helpers/events.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
});
afterEach(() => removeContainers(engine.socket));
after(() => engine?.[Symbol.asyncDispose]());

async function start(name: string, ...cmd: string[]): Promise<void> {
  const Image = await starterImage(engine);
  const created = await engine.api('POST', `/containers/create?name=${name}`, { Image, Cmd: cmd });
  assert.equal(created.status, 201, created.text);
  assert.equal((await engine.api('POST', `/containers/${name}/start`)).status, 204);
}

const stateOf = async (name: string) =>
  (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>().State;

describe('pausing', () => {
  it('freezes a container and lets it go on, over a restart of the engine, with the sentences of Docker', async () => {
    await start('ice', 'sleep', '100000');
    const { Id } = (await engine.api('GET', '/containers/ice/json')).json<ContainerInspect>();
    assert.equal((await engine.docker(['pause', 'ice'])).stdout, 'ice\n');
    assert.deepEqual(((s) => [s.Status, s.Running, s.Paused])(await stateOf('ice')), ['paused', true, true]);
    assert.match((await engine.docker(['ps', '--format', '{{.Status}}'])).stdout, /^Up .* \(Paused\)$/m);
    const again = await engine.api('POST', '/containers/ice/pause');
    assert.deepEqual([again.status, again.json<object>()], [409, { message: `Container ${Id} is already paused` }]);
    const exec = await engine.docker(['exec', 'ice', 'true']);
    assert.match(exec.stderr, /is paused, unpause the container before exec/);
    const begun = await engine.api('POST', '/containers/ice/start');
    assert.deepEqual([begun.status, /try unpause instead/.test(begun.text)], [409, true]);
    const removed = await engine.api('DELETE', '/containers/ice');
    assert.match(removed.text, /container is paused and must be unpaused first/);

    await engine.kill();
    await engine.restart();
    assert.equal((await stateOf('ice')).Status, 'paused');
    assert.equal((await engine.tug(['unpause', 'ice'])).stdout, 'ice\n');
    assert.equal((await stateOf('ice')).Status, 'running');
    assert.equal((await engine.docker(['exec', 'ice', 'true'])).code, 0);
    const none = await engine.tug(['container', 'unpause', 'ice']);
    assert.deepEqual([none.code, none.stderr], [1, `Error response from daemon: Container ${Id} is not paused\n`]);
    const missing = await engine.tug(['pause', 'none']);
    assert.deepEqual([missing.code, missing.stderr], [1, 'Error response from daemon: No such container: none\n']);
  });

  it('ends with the signal that stops, kills or removes a container', async () => {
    for (const verb of ['stop', 'kill', 'rm'] as const) {
      await start(verb, 'sleep', '100000');
      assert.equal((await engine.api('POST', `/containers/${verb}/pause`)).status, 204);
      const args = { stop: ['stop', '-t', '1'], kill: ['kill'], rm: ['rm', '-f'] }[verb];
      const ended = await engine.docker([...args, verb]);
      assert.deepEqual([ended.code, ended.stdout], [0, `${verb}\n`], ended.stderr);
      if (verb !== 'rm') assert.deepEqual((await stateOf(verb)).Status, 'exited');
    }
  });

  it('settles what a kill between the freezing and its record left', async () => {
    await start('ice', 'sleep', '100000');
    await engine.kill();
    await engine.restart({ TUG_CRASH_AT: 'container.pause.frozen' });
    await engine.api('POST', '/containers/ice/pause').catch(() => {});
    await engine.ended;
    await engine.restart({ TUG_CRASH_AT: undefined });
    assert.equal((await stateOf('ice')).Status, 'paused');
    assert.equal((await engine.api('POST', '/containers/ice/unpause')).status, 204);
  });
});

describe('renaming', () => {
  it('gives another name, which lasts and frees the old one', async () => {
    await start('one', 'sleep', '100000');
    const since = Date.now() / 1000;
    assert.deepEqual((await engine.docker(['rename', 'one', 'two'])).code, 0);
    const { Id } = (await engine.api('GET', '/containers/two/json')).json<ContainerInspect>();
    assert.equal((await engine.api('GET', '/containers/one/json')).status, 404);
    const [event] = await pastEvents(engine, since, { event: ['rename'] });
    const { ID, Attributes = {} } = event?.Actor ?? {};
    assert.deepEqual([ID, Attributes['name'], Attributes['oldName']], [Id, 'two', '/one']);
    await start('one', 'sleep', '100000');
    const taken = await engine.tug(['rename', 'two', 'one']);
    assert.match(taken.stderr, /^Error response from daemon: Conflict\. The container name "\/one" is already in use/);
    const same = await engine.api('POST', '/containers/two/rename?name=/two');
    assert.deepEqual([same.status, /same name as its current name/.test(same.text)], [400, true]);
    for (const name of ['', 'a b', '%2F..', 'x'.repeat(300)]) {
      assert.equal((await engine.api('POST', `/containers/two/rename?name=${encodeURI(name)}`)).status, 400, name);
    }
    await engine.kill();
    await engine.restart();
    const names = (await engine.docker(['ps', '--format', '{{.Names}}'])).stdout.trim().split('\n').sort();
    assert.deepEqual(names, ['one', 'two']);
    assert.equal((await engine.api('GET', '/containers/two/json')).json<ContainerInspect>().Id, Id);
  });
});
