import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { run, runChecked } from '../../src/base/process.ts';
import { createCgroupfs } from '../../src/host/cgroup/cgroupfs.ts';
import { readCgroups } from '../../src/host/cgroup/detect.ts';
import { listMounts } from '../../src/host/mount.ts';
import { engineNames } from '../../src/networks/engine-names.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { removeContainers } from '../helpers/engine-sweep.ts';
import { freePort } from '../helpers/ports.ts';

/** Answers every request with its own name. */
const server = (name: string): string[] => ['sh', '-c', `echo ${name} >/index.html; exec httpd -f -p 80 -h /`];

async function start(engine: TestEngine, name: string, Cmd: string[], hostPort?: number): Promise<string> {
  const PortBindings =
    hostPort === undefined ? {} : { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(hostPort) }] };
  const body = { Image: await starterImage(engine), Cmd, HostConfig: { PortBindings } };
  const created = await engine.api('POST', `/containers/create?name=${name}`, body);
  assert.equal(created.status, 201, created.text);
  const started = await engine.api('POST', `/containers/${name}/start`);
  if (started.status !== 204) throw new Error(started.text);
  return created.json<{ Id: string }>().Id;
}

const addressOf = async (engine: TestEngine, name: string): Promise<string> =>
  (await engine.api('GET', `/containers/${name}/json`)).json<{
    NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
  }>().NetworkSettings.Networks['bridge']?.IPAddress ?? '';

/** What a port of the host answers. A server that has only been started may need a moment. */
async function ask(port: number): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return (await (await fetch(`http://127.0.0.1:${port}/`)).text()).trim();
    } catch (error) {
      if (attempt === 3000) throw error;
      await setTimeout(20);
    }
  }
}

/** Everything of an engine that lies outside its own folder, and its mounts. */
async function footprint(engine: TestEngine): Promise<Record<string, readonly string[]>> {
  const engineId = (await engine.api('GET', '/info')).json<{ ID: string }>().ID;
  const cgroups = createCgroupfs({ hierarchies: readCgroups(), engineId });
  const links = await runChecked('ip', ['-o', 'link', 'show', 'master', engine.bridge]);
  const table = await runChecked('nft', ['-s', 'list', 'table', 'inet', engineNames(engineId).table]);
  return {
    mounts: listMounts(engine.root)
      .map(({ target }) => target)
      .sort(),
    cgroups: (await cgroups.list()).sort(),
    links: links.split('\n').map((line) => line.split(': ')[1] ?? ''),
    rules: table.split('\n'),
  };
}

describe('two engines on one host', () => {
  let one: TestEngine;
  let two: TestEngine;
  let port = 0;
  let other = 0;

  before(async () => {
    [port, other] = [await freePort(), await freePort()];
    one = await startEngine();
    two = await startEngine();
    await Promise.all([start(one, 'web', server('one'), port), start(two, 'web', server('two'), other)]);
  });
  after(async () => {
    await one?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
  });

  it('have names, addresses, groups and rules of their own', async () => {
    assert.deepEqual([await ask(port), await ask(other)], ['one', 'two']);
    assert.notEqual(await addressOf(one, 'web'), await addressOf(two, 'web'));
    const [first, second] = [await footprint(one), await footprint(two)];
    for (const [what, names] of Object.entries(first)) {
      assert.ok(names.length > 0, what);
      if (what !== 'rules')
        assert.deepEqual(
          names.filter((name) => second[what]?.includes(name) && name !== ''),
          [],
          what,
        );
    }
    const shared = (await one.api('GET', '/containers/json')).json<{ Id: string }[]>();
    assert.equal((await two.api('GET', `/containers/${shared[0]?.Id}/json`)).status, 404);
  });

  it('conflict about a port of the host as two programs would', async () => {
    const body = {
      Image: await starterImage(two),
      Cmd: ['true'],
      HostConfig: { PortBindings: { '80/tcp': [{ HostPort: String(port) }] } },
    };
    await two.api('POST', '/containers/create?name=late', body);
    const refused = await two.api('POST', '/containers/late/start');
    assert.equal(refused.status, 409, refused.text);
    assert.match(refused.text, new RegExp(`${port}.*(already allocated|already in use)`));
    assert.equal(await ask(port), 'one');
    assert.equal((await two.api('DELETE', '/containers/late')).status, 204);
  });

  it('do not disturb each other when one works, is killed, restarted, or taken away', async () => {
    const before = await footprint(two);
    const unharmed = async (): Promise<void> => {
      assert.deepEqual(await footprint(two), before);
      assert.equal(await ask(other), 'two');
    };
    const ran = await one.tug(['run', '--rm', await starterImage(one), 'true']);
    assert.equal(ran.code, 0, ran.stderr);
    await unharmed();
    await one.kill();
    await unharmed();
    await one.restart();
    assert.equal(await ask(port), 'one');
    await unharmed();
    await removeContainers(one.socket);
    await unharmed();
    await one[Symbol.asyncDispose]();
    await unharmed();
    // the port of the engine that has gone is free for the other
    await start(two, 'heir', server('heir'), port);
    assert.equal(await ask(port), 'heir');
    const outside = await run('nft', ['list', 'ruleset']);
    assert.equal(outside.stdout.includes(one.bridge), false);
  });
});
