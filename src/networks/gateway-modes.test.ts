import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { startEngine, type TestEngine } from './private-engine.contract-suite.ts';
import { answerInside, ask, command, enterPrivateHost, joinOutside } from './private-host.contract-suite.ts';

enterPrivateHost();

/** Another machine, 198.51.100.2, which reaches containers' subnets by this host, 198.51.100.1. */
const outside = joinOutside();
const inside = (path: string, ...words: string[]): string => command('nsenter', `--net=${path}`, ...words);
const key = (family: 4 | 6): string => `com.docker.network.bridge.gateway_mode_ipv${family}`;

describe('gateway modes of bridge networks', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
    inside(outside, 'ip', 'route', 'add', '10.91.0.0/16', 'via', '198.51.100.1');
    command('ip', 'address', 'add', 'fd91:1::1/64', 'dev', 'up0', 'nodad');
    inside(outside, 'sh', '-c', 'echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6');
    inside(outside, 'ip', 'address', 'add', 'fd91:1::2/64', 'dev', 'eth0', 'nodad');
    inside(outside, 'ip', 'route', 'add', 'fd91:2::/64', 'via', 'fd91:1::1');
  });
  after(async () => {
    await engine[Symbol.asyncDispose]();
    deleteNetworkNamespace(outside);
  });

  const create = (third: number, Options: Record<string, string>, more: object = {}) => {
    const Config = [{ Subnet: `10.91.${third}.0/24` }, ...('EnableIPv6' in more ? [{ Subnet: 'fd91:2::/64' }] : [])];
    return engine.networks.create({ Name: 'own', Driver: 'bridge', Options, IPAM: { Config }, ...more });
  };
  /** A container on the network whose ports 80 and 81 answer, and of which 80 is published. */
  async function serve(kind: 'tcp' | 'tcp6' = 'tcp') {
    const ports = { '80/tcp': [{ HostIp: '', HostPort: '8080' }] };
    const container = await engine.attach({ mode: 'own', ports });
    const servers = await Promise.all([80, 81].map((port) => answerInside(container.path, kind, port)));
    const { IPAddress = '', GlobalIPv6Address = '' } = container.endpoints['own'] ?? {};
    return {
      ...{ ...container, ip: IPAddress, ip6: GlobalIPv6Address },
      async [Symbol.asyncDispose]() {
        for (const server of servers) server[Symbol.dispose]();
        await engine.networks.release(container.id);
        await engine.networks.remove('own');
      },
    };
  }
  const from = { namespace: outside };

  it('nat: a container is reached by the published port alone', async () => {
    await create(1, {});
    await using web = await serve();
    assert.equal(await ask('198.51.100.1', 8080, from), '198.51.100.2');
    for (const port of [80, 81]) assert.equal(await ask(web.ip, port, { ...from, seconds: 1 }), undefined);
  });

  it('nat-unprotected: it is reached by its own address too, at all ports', async () => {
    await create(2, { [key(4)]: 'nat-unprotected' });
    await using web = await serve();
    for (const [ip, port] of [
      ['198.51.100.1', 8080],
      [web.ip, 80],
      [web.ip, 81],
    ] as const)
      assert.equal(await ask(ip, port, from), '198.51.100.2');
  });

  it('routed: it is reached by its own address at published ports, and leaves with it', async () => {
    await create(3, { [key(4)]: 'routed' });
    await using web = await serve();
    assert.deepEqual(web.ports, { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '' }] });
    assert.equal(await ask(web.ip, 80, from), '198.51.100.2');
    assert.equal(await ask(web.ip, 81, { ...from, seconds: 1 }), undefined);
    inside(outside, 'busybox', 'ping', '-c1', '-w60', web.ip);
    using _there = await answerInside(outside, 'tcp', 9);
    assert.equal(await ask('198.51.100.2', 9, { namespace: web.path }), web.ip);
    // nothing of the host's was taken, and another container may publish the same
    const other = await engine.attach({ mode: 'own', ports: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } });
    await engine.networks.reconcile(new Set([web.id, other.id]));
    assert.equal(await ask(web.ip, 80, from), '198.51.100.2');
    await engine.networks.release(other.id);
    assert.equal(await ask(web.ip, 80, from), '198.51.100.2');
  });

  it('are of each family', async () => {
    await create(4, { [key(6)]: 'routed' }, { EnableIPv6: true });
    await using web = await serve('tcp6');
    const both = [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '' },
    ];
    const byIp = (one: { HostIp: string }, other: { HostIp: string }) => (one.HostIp < other.HostIp ? -1 : 1);
    assert.deepEqual(web.ports['80/tcp']?.toSorted(byIp), both);
    assert.equal(await ask(web.ip6, 80, from), 'fd91:1::2');
    assert.equal(await ask(web.ip6, 81, { ...from, seconds: 1 }), undefined);
  });

  it('isolated: not even the host has an address there', async () => {
    const modes = { [key(4)]: 'isolated', [key(6)]: 'isolated' };
    await assert.rejects(create(5, modes), /gateway mode 'isolated' can only be used for an internal network/);
    const { Id } = await create(5, modes, { Internal: true });
    assert.deepEqual(engine.networks.inspect('own').IPAM.Config, [{ Subnet: '10.91.5.0/24' }]);
    assert.equal(command('ip', '-o', 'address', 'show', 'dev', `br-${Id.slice(0, 12)}`), '');
    await using one = await serve();
    const two = await engine.attach({ mode: 'own' });
    assert.equal(await ask(one.ip, 80, { namespace: two.path }), two.endpoints['own']?.IPAddress);
    await engine.networks.release(two.id);
  });

  it('are refused when they are none', async () => {
    await assert.rejects(create(6, { [key(4)]: 'bridge' }), /unknown gateway mode bridge/);
  });
});
