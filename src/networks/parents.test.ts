import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '../base/ids.ts';
import { silentLogger } from '../base/log.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { plainRequest, startEngine, type TestEngine } from './private-engine.contract-suite.ts';
import { answerInside, ask, command, enterPrivateHost, hostState, joinOutside } from './private-host.contract-suite.ts';

enterPrivateHost();

/** The outside is 198.51.100.2 behind up0, which is the parent; this host is 198.51.100.1 itself. */
const outside = joinOutside();
const subnet = { Subnet: '198.51.100.0/24', Gateway: '198.51.100.2', IPRange: '198.51.100.128/25' };
const inside = (path: string, ...words: string[]): string => command('nsenter', `--net=${path}`, ...words);

describe('networks on an interface of the host', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    deleteNetworkNamespace(outside);
  });

  const create = (Name: string, Options: Record<string, string>, more: object = {}) =>
    engine.networks.create({ Name, Driver: 'macvlan', Options, ...more });
  const leave = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await engine.networks.release(id);
  };

  it('make containers machines of that network, with its gateway as their way out', async () => {
    await create('lan', { parent: 'up0' }, { IPAM: { Config: [subnet] } });
    const one = await engine.attach({ mode: 'lan', ports: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } });
    const two = await engine.attach({ mode: 'lan' });
    try {
      const { IPAddress = '', MacAddress, Gateway } = one.endpoints['lan'] ?? {};
      assert.deepEqual([IPAddress, Gateway, one.ports], ['198.51.100.128', '198.51.100.2', {}]);
      assert.match(inside(one.path, 'ip', 'route'), /^default via 198\.51\.100\.2 dev eth0/m);
      assert.match(inside(one.path, 'ip', '-d', 'link', 'show', 'eth0'), /macvlan mode bridge/);
      using _server = await answerInside(outside, 'tcp', 9);
      using _neighbour = await answerInside(two.path, 'tcp', 9);
      assert.equal(await ask('198.51.100.2', 9, { namespace: one.path }), IPAddress);
      assert.equal(await ask(two.endpoints['lan']?.IPAddress ?? '', 9, { namespace: one.path }), IPAddress);
      assert.match(inside(outside, 'ip', 'neigh', 'show', IPAddress), new RegExp(`lladdr ${MacAddress}`));
    } finally {
      await leave(one.id, two.id);
    }
    await engine.networks.remove('lan');
  });

  it('have no way out without a gateway, and several subnets', async () => {
    const Config = [{ Subnet: '198.51.100.0/24' }, { Subnet: '203.0.113.0/24' }];
    await create('wide', { parent: 'up0', macvlan_mode: 'private' }, { IPAM: { Config } });
    const { IPAM } = engine.networks.inspect('wide');
    assert.deepEqual(IPAM.Config, [{ Subnet: '198.51.100.0/24' }, { Subnet: '203.0.113.0/24' }]);
    const endpoints = { wide: { IPAMConfig: { IPv4Address: '203.0.113.7' } } };
    const one = await engine.attach({ mode: 'wide', endpoints });
    try {
      assert.match(inside(one.path, 'ip', '-o', 'address', 'show', 'eth0'), /inet 203\.0\.113\.7\/24 /);
      assert.doesNotMatch(inside(one.path, 'ip', 'route'), /default/);
      assert.match(inside(one.path, 'ip', '-d', 'link', 'show', 'eth0'), /macvlan mode private/);
    } finally {
      await leave(one.id);
    }
    await engine.networks.remove('wide');
  });

  it('are joined and left while a container runs, which keeps its way out and its ports', async () => {
    await create('lan', { parent: 'up0' }, { IPAM: { Config: [{ Subnet: '198.51.100.0/24' }] } });
    const one = await engine.attach({ ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8081' }] } });
    try {
      const change = engine.networks.join(one.id, 'lan', { config: {}, ports: { ports: {}, publishAll: [] } });
      engine.database.transaction(() => change.record());
      await change.apply();
      assert.match(inside(one.path, 'ip', '-o', 'link', 'show', 'eth1'), /eth1/);
      assert.match(inside(one.path, 'ip', 'route'), /^default via .* dev eth0/m);
      assert.equal(engine.networks.sandboxOf(one.id)?.ports['80/tcp']?.length, 1);
      const back = engine.networks.leave(one.id, 'lan');
      engine.database.transaction(() => back.record());
      await back.apply();
      assert.doesNotMatch(inside(one.path, 'ip', '-o', 'link'), /eth1/);
    } finally {
      await leave(one.id);
    }
    await engine.networks.remove('lan');
  });

  it('without a parent are apart from everything, and leave nothing', async () => {
    const unused = hostState();
    const { Id } = await create('alone', {});
    assert.match(command('ip', '-o', 'link', 'show', `dm-${Id.slice(0, 12)}`), /UP/);
    const [one, two] = [await engine.attach({ mode: 'alone' }), await engine.attach({ mode: 'alone' })];
    try {
      using _server = await answerInside(two.path, 'tcp', 9);
      const address = one.endpoints['alone']?.IPAddress;
      assert.equal(await ask(two.endpoints['alone']?.IPAddress ?? '', 9, { namespace: one.path }), address);
      assert.doesNotMatch(inside(one.path, 'ip', 'route'), /default/);
    } finally {
      await leave(one.id, two.id);
    }
    await engine.networks.remove('alone');
    assert.equal(hostState(), unused);
  });

  it('are refused where they cannot be, and nothing is left', async () => {
    const unused = hostState();
    // one of its own, since links of containers that ended go in the kernel's own time
    command('ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    await create('only', { parent: 'v0', macvlan_mode: 'passthru' });
    for (const [fault, options] of [
      [/requested macvlan mode 'x' is not valid/, { macvlan_mode: 'x' }],
      [/loopback interface is not a valid macvlan parent link/, { parent: 'lo' }],
      [/invalid subinterface vlan name nosuch0, example formatting is eth0.10/, { parent: 'nosuch0' }],
      [/failed to find master interface nosuch0 on the host/, { parent: 'nosuch0.7' }],
      [/vlan id must be between 1-4094, received: 4095/, { parent: 'up0.4095' }],
      [/unable to parse a valid vlan id from: x/, { parent: 'up0.x' }],
      [/required interface name format is: name.vlan_id/, { parent: 'up0.1.2' }],
      [/cannot use mode passthru, macvlan network \w+ is using parent interface v0/, { parent: 'v0' }],
      [/the option com.docker.network.driver.mtu of macvlan networks/, { 'com.docker.network.driver.mtu': '1400' }],
      [/is no name|has 1 to 15 characters/, { parent: 'a name with spaces' }],
    ] as const) {
      await assert.rejects(create('x', options), fault);
    }
    await engine.networks.remove('only');
    command('ip', 'link', 'delete', 'v0');
    assert.equal(hostState(), unused);
  });

  it('cannot be joined while their interface is away', async () => {
    await using away = await startEngine({ log: silentLogger, bridge: 'tug1' });
    command('ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    await away.networks.create({ Name: 'gone', Driver: 'macvlan', Options: { parent: 'v0' } });
    command('ip', 'link', 'delete', 'v0');
    const request = { ...plainRequest, containerId: newId(), mode: 'gone' };
    const sentence = /the network gone cannot be joined: its interface on the host is not there/;
    await assert.rejects(away.networks.attach(request), sentence);
  });
});
