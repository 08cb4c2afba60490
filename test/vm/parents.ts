import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest: Debian's kernel has ipvlan, VLANs and dummy links, which not every kernel has.

it('ipvlan networks and VLANs carry containers', { timeout: patience }, async () => {
  await using engine = await startEngine({ timeout: patience });
  await starterImage(engine);
  const say = sayer(engine);
  await runChecked('ip', ['link', 'add', 'p0', 'type', 'dummy']);
  await runChecked('ip', ['link', 'set', 'p0', 'up']);
  const idle = ['busybox', 'sleep', '1000'];

  await say('network', 'create', '-d', 'ipvlan', '--subnet', '10.77.1.0/24', '-o', 'parent=p0', 'flat');
  await say('run', '-d', '--name', 'one', '--network', 'flat', ...idle);
  assert.match(
    await say('run', '--rm', '--network', 'flat', 'busybox', 'ping', '-c1', '-w60', 'one'),
    /1 packets received/,
  );
  assert.equal(await say('inspect', '-f', '{{.NetworkSettings.Networks.flat.MacAddress}}', 'one'), '');
  const mac = await engine.tug(['run', '--rm', '--network', 'flat', '--mac-address', '02:42:00:00:00:09', ...idle]);
  assert.match(mac.stderr, /ipvlan interfaces do not support custom mac address assignment/);
  const second = await engine.tug(['network', 'create', '-d', 'ipvlan', '-o', 'parent=p0', 'other']);
  assert.match(second.stderr, /network flat is already using parent interface p0/);
  const beside = await engine.tug(['network', 'create', '-d', 'macvlan', '-o', 'parent=p0', 'other']);
  assert.match(beside.stderr, /the interface p0 carries links of another kind than macvlan/);
  await say('rm', '-f', 'one');
  await say('network', 'rm', 'flat');

  const routed = ['-o', 'ipvlan_mode=l3', '-o', 'parent=p0.20'];
  await say(
    'network',
    'create',
    '-d',
    'ipvlan',
    '--subnet',
    '10.77.2.0/24',
    '--subnet',
    '10.77.3.0/24',
    ...routed,
    'far',
  );
  assert.ok(existsSync('/sys/class/net/p0.20'));
  await say('run', '-d', '--name', 'two', '--network', 'far', '--ip', '10.77.3.9', ...idle);
  const near = ['run', '--rm', '--network', 'far', 'busybox'];
  assert.match(await say(...near, 'ping', '-c1', '-w60', '10.77.3.9'), /1 packets received/);
  assert.match(await say(...near, 'ip', 'route'), /^default dev eth0/);
  await say('rm', '-f', 'two');
  await say('network', 'rm', 'far');
  assert.equal(existsSync('/sys/class/net/p0.20'), false);

  await say('network', 'create', '-d', 'macvlan', '-o', 'parent=p0.30', 'tagged');
  await say('run', '-d', '--name', 'three', '--network', 'tagged', ...idle);
  assert.match(
    await say('run', '--rm', '--network', 'tagged', 'busybox', 'ping', '-c1', '-w60', 'three'),
    /1 packets received/,
  );
  await say('rm', '-f', 'three');
  await say('network', 'rm', 'tagged');
  assert.equal(existsSync('/sys/class/net/p0.30'), false);

  const id = await say('network', 'create', '-d', 'ipvlan', 'alone');
  assert.match(await runChecked('ip', ['-d', 'link', 'show', `di-${id.slice(0, 12)}`]), /dummy/);
  await say('network', 'rm', 'alone');
});
