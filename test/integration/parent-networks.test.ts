import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { NetworkInspect } from '../../src/api/types/network.ts';
import { run, runChecked } from '../../src/base/process.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { faultOf, said } from '../helpers/saying.ts';

let engine: TestEngine;
/** A link of the test's own, beside the host's. */
const parent = `tp${randomBytes(3).toString('hex')}`;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  await runChecked('ip', ['link', 'add', parent, 'type', 'veth', 'peer', 'name', `${parent}x`]);
  for (const name of [parent, `${parent}x`]) await runChecked('ip', ['link', 'set', name, 'up']);
});
after(async () => {
  await run('ip', ['link', 'delete', parent]);
  await engine?.[Symbol.asyncDispose]();
});

const idle = ['sleep', '600'];
/** Again and again, since a link that has just come up may drop a packet. */
const pingOne = ['sh', '-c', 'until ping -c1 -W5 one; do :; done'];

for (const cli of commandLines) {
  const say = (...args: string[]) => said(engine, cli, ...args);
  const fault = (...args: string[]) => faultOf(engine, cli, ...args);

  describe(`networks on an interface of the host, by ${cli}`, () => {
    it('have containers that find each other by name, with addresses of that network and no published ports', async () => {
      const prefix = `10.127.${randomInt(256)}`; // which neither engines nor other tests take
      const subnet = ['--subnet', `${prefix}.0/24`, '--gateway', `${prefix}.254`];
      await say('network', 'create', '-d', 'macvlan', ...subnet, '-o', `parent=${parent}`, 'lan');
      const shown = (await engine.api('GET', '/networks/lan')).json<NetworkInspect>();
      assert.deepEqual([shown.Driver, shown.Options], ['macvlan', { parent }]);
      await say('run', '-d', '--name', 'one', '--network', 'lan', '-p', '80', 'busybox', ...idle);
      await say('run', '-d', '--name', 'two', '--network', 'lan', 'busybox', ...idle);
      assert.match(await say('exec', 'two', ...pingOne), new RegExp(`from ${prefix}\\.1`));
      assert.equal(await say('port', 'one'), '');
      assert.match(await say('exec', 'one', 'ip', 'route'), new RegExp(`default via ${prefix}\\.254 dev eth0`));
      await say('network', 'disconnect', 'lan', 'one');
      assert.doesNotMatch(await say('exec', 'one', 'ls', '/sys/class/net'), /eth0/);
      await say('network', 'connect', '--ip', `${prefix}.77`, 'lan', 'one');
      assert.match(await say('exec', 'one', 'ip', 'address'), new RegExp(`${prefix}\\.77/24`));
      await engine.restart();
      assert.match(await say('exec', 'two', ...pingOne), new RegExp(`from ${prefix}\\.77`));
      await say('rm', '-f', 'one', 'two');
      await say('network', 'rm', 'lan');
    });

    it('are refused with a sentence where they cannot be', async () => {
      const create = (driver: string, ...options: string[]) =>
        fault('network', 'create', '-d', driver, ...options.flatMap((option) => ['-o', option]), 'x');
      assert.match(await create('macvlan', 'macvlan_mode=odd'), /requested macvlan mode 'odd' is not valid/);
      assert.match(await create('macvlan', 'parent=nosuch'), /invalid subinterface vlan name nosuch/);
      assert.match(await create('ipvlan', 'ipvlan_mode=l4'), /requested ipvlan mode 'l4' is not valid/);
      assert.match(await create('ipvlan', 'ipvlan_flag=odd'), /requested ipvlan flag 'odd' is not valid/);
      assert.match(await fault('run', '--rm', '--network', 'nosuch', 'busybox', 'true'), /network nosuch not found/);
      assert.equal(await say('network', 'ls', '-q', '-f', 'type=custom'), '');
    });

    it('need the kernel to have their kind of links', async (context) => {
      const probe = await run('unshare', ['-n', 'ip', 'link', 'add', 'x', 'link', 'lo', 'type', 'ipvlan']);
      if (!probe.stderr.includes('Unknown device type')) return context.skip('this kernel has ipvlan');
      const sentence = await fault('network', 'create', '-d', 'ipvlan', '-o', `parent=${parent}`, 'x');
      assert.match(sentence, /this kernel has no links of the kind ipvlan: it needs the module ipvlan/);
      assert.equal(await say('network', 'ls', '-q', '-f', 'type=custom'), '');
    });
  });
}
