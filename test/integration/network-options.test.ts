import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NetworkInspect } from '../../src/api/types/network.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { faultOf, said } from '../helpers/saying.ts';

let engine: TestEngine;
before(async () => {
  const defaults = ['com.docker.network.driver.mtu=1400', 'example.com/kept=yes'];
  engine = await startEngine({ args: defaults.flatMap((option) => ['--default-network-opt', `bridge=${option}`]) });
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const idle = ['sleep', '600'];

for (const cli of commandLines) {
  const say = (...args: string[]) => said(engine, cli, ...args);
  const fault = (...args: string[]) => faultOf(engine, cli, ...args);
  const optionsOf = async (name: string) =>
    (await engine.api('GET', `/networks/${name}`)).json<NetworkInspect>().Options;

  describe(`options of networks, by ${cli}`, () => {
    after(() => engine.tug(['network', 'prune', '-f']));

    it('are those of the engine where their makers do not say', async () => {
      await say('network', 'create', 'plain');
      await say('network', 'create', '-o', 'com.docker.network.driver.mtu=1300', 'other');
      assert.deepEqual(await optionsOf('plain'), {
        'com.docker.network.driver.mtu': '1400',
        'example.com/kept': 'yes',
      });
      assert.deepEqual(await optionsOf('other'), {
        'com.docker.network.driver.mtu': '1300',
        'example.com/kept': 'yes',
      });
      const mtu = ['run', '--rm', '--network', 'plain', 'busybox', 'cat', '/sys/class/net/eth0/mtu'];
      assert.equal(await say(...mtu), '1400');
      await say('network', 'create', '-d', 'macvlan', 'apart');
      assert.deepEqual(await optionsOf('apart'), {});
      await say('network', 'rm', 'plain', 'other', 'apart');
    });

    it('leave nothing of what is gone after a disconnect by force', async () => {
      await say('network', 'create', 'left');
      assert.match(await fault('network', 'disconnect', 'left', 'nosuch'), /No such container: nosuch/);
      assert.match(await fault('network', 'disconnect', '-f', 'left', 'nosuch'), /endpoint nosuch not found/);
      assert.match(await fault('network', 'disconnect', '-f', 'nosuch', 'nosuch'), /network nosuch not found/);
      await say('run', '-d', '--name', 'stays', '--network', 'left', 'busybox', ...idle);
      await say('network', 'disconnect', '-f', 'left', 'stays');
      assert.equal(await say('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'stays'), '{}');
      await say('network', 'connect', 'left', 'stays');
      await say('stop', '-t', '0', 'stays');
      await say('network', 'rm', 'left');
      assert.match(await fault('network', 'disconnect', 'left', 'stays'), /network left not found/);
      await say('network', 'disconnect', '-f', 'left', 'stays');
      assert.match(await fault('network', 'disconnect', '-f', 'left', 'stays'), /network left not found/);
      await say('start', 'stays');
      await say('rm', '-f', 'stays');
    });
  });
}
