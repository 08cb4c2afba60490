import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createLogger } from '../base/log.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { startEngine } from './private-engine.contract-suite.ts';
import { answerInside, ask, command, enterPrivateHost, joinOutside } from './private-host.contract-suite.ts';

enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));
before(() => {
  command('ip', 'address', 'add', '2001:db8::1/64', 'dev', 'up0', 'nodad');
  command('nsenter', `--net=${outside}`, 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0');
  command('nsenter', `--net=${outside}`, 'ip', 'address', 'add', '2001:db8::2/64', 'dev', 'eth0', 'nodad');
});

const silent = { seconds: 1 } as const;
const muted = createLogger({ level: 'error', write: () => {} });
const tables = (): string => command('nft', 'list', 'ruleset');

describe('a port that is published by accepting it here', () => {
  it("is reached, and obeys the host's rules for what comes in", async () => {
    await using engine = await startEngine({ publishing: { mode: 'proxy' } });
    const ports = { '80/tcp': [{ HostPort: '8080' }], '53/udp': [{ HostPort: '5353' }] };
    const a = await engine.attach({ ports });
    const b = await engine.attach();
    using _a = await answerInside(a.path, 'tcp', 80);
    using _udp = await answerInside(a.path, 'udp', 53);
    const gateway = a.endpoints['bridge']?.Gateway ?? '';
    for (const target of ['127.0.0.1', '::1', '198.51.100.1']) assert.equal(await ask(target, 8080), gateway);
    for (const namespace of [a.path, b.path]) assert.equal(await ask(gateway, 8080, { namespace }), gateway);
    const from = { namespace: outside };
    assert.equal(await ask('198.51.100.1', 8080, from), gateway);
    assert.equal(await ask('198.51.100.1', 5353, { ...from, protocol: 'udp' }), gateway);
    command('iptables', '-A', 'INPUT', '-i', 'up0', '-p', 'tcp', '--dport', '8080', '-j', 'DROP');
    try {
      assert.equal(await ask('198.51.100.1', 8080, { ...from, ...silent }), undefined);
      assert.equal(await ask('127.0.0.1', 8080), gateway);
    } finally {
      command('iptables', '-F', 'INPUT');
    }
    await engine.networks.release(a.id);
    assert.equal(await ask('127.0.0.1', 8080, silent), undefined);
  });

  it('is none of SCTP, which the engine does not carry', async () => {
    const ports = { '80/sctp': [{ HostPort: '8080' }] };
    const words = /cannot publish 80\/sctp on 0\.0\.0\.0, ::: the kernel leads SCTP .* not with publish-mode "proxy"/;
    await using engine = await startEngine({ publishing: { mode: 'proxy' }, log: muted });
    await assert.rejects(engine.attach({ ports }), words);
    await using other = await startEngine({ bridge: 'tug1', log: muted });
    const loopback = { '80/sctp': [{ HostIp: '::1', HostPort: '8080' }] };
    await assert.rejects(other.attach({ ports: loopback }), /cannot publish 80\/sctp on ::1/);
  });

  it('works without any rule of the engine', async () => {
    await using engine = await startEngine({
      publishing: { mode: 'proxy' },
      policy: { rules: false, ipv6Rules: false },
    });
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8081' }] } });
    using _a = await answerInside(a.path, 'tcp', 80);
    assert.doesNotMatch(tables(), /tug-/);
    assert.notEqual(await ask('198.51.100.1', 8081, { namespace: outside }), undefined);
  });

  it('is for IPv6 alone where the engine may make no rules for that', async () => {
    await using engine = await startEngine({ publishing: { ipv6Rules: false }, policy: { ipv6Rules: false } });
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8082' }] } });
    using _a = await answerInside(a.path, 'tcp', 80);
    const gateway = a.endpoints['bridge']?.Gateway ?? '';
    assert.equal(await ask('2001:db8::1', 8082, { namespace: outside }), gateway);
    assert.equal(await ask('198.51.100.1', 8082, { namespace: outside }), '198.51.100.2');
  });
});

describe('the address of ports that name none', () => {
  it('is the one of the configuration', async () => {
    await using engine = await startEngine({ publishing: { address: '127.0.0.1' } });
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8083' }] }, publishAll: ['81/tcp'] });
    assert.deepEqual(a.ports['80/tcp'], [{ HostIp: '127.0.0.1', HostPort: '8083' }]);
    assert.deepEqual(
      a.ports['81/tcp']?.map(({ HostIp }) => HostIp),
      ['127.0.0.1'],
    );
  });

  it("is that of the container's network where that has one", async () => {
    await using engine = await startEngine({
      options: { hostBinding: '198.51.100.1' },
      publishing: { address: '127.0.0.1' },
    });
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8084' }] } });
    assert.deepEqual(a.ports['80/tcp'], [{ HostIp: '198.51.100.1', HostPort: '8084' }]);
  });
});

describe('rules that were changed from outside', () => {
  it('are made again with the next container, and published ports go on', async () => {
    await using engine = await startEngine({ log: muted });
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8085' }] } });
    using _a = await answerInside(a.path, 'tcp', 80);
    const name = /table inet (tug-\w+)/.exec(tables())?.[1] ?? '';
    const own = (): string => command('nft', 'list', 'table', 'inet', name);
    const before = own();
    for (const harm of [
      ['flush', 'ruleset'],
      ['flush', 'chain', 'inet', name, 'forward'],
    ]) {
      command('nft', ...harm);
      const b = await engine.attach();
      assert.equal(own(), before);
      assert.equal(await ask('198.51.100.1', 8085, { namespace: outside }), '198.51.100.2');
      await engine.networks.release(b.id);
    }
  });

  it('to drop what is forwarded are answered with the next container', async () => {
    await using engine = await startEngine({ log: muted });
    await engine.attach();
    command('iptables', '-P', 'FORWARD', 'DROP');
    try {
      await engine.attach();
      assert.match(command('iptables', '-S', 'FORWARD'), /-i tug0 .*ACCEPT/);
    } finally {
      command('iptables', '-P', 'FORWARD', 'ACCEPT');
    }
  });

  it('and belong to others are left alone, and looked at once', async () => {
    const warnings: string[] = [];
    const log = createLogger({ level: 'warn', write: (line) => void warnings.push(line) });
    await using engine = await startEngine({ log });
    command('nft', 'add', 'table', 'inet', 'another');
    await engine.attach({ ports: { '80/tcp': [{ HostPort: '8086' }] } });
    assert.match(tables(), /table inet another/);
    assert.deepEqual(warnings, []);
  });
});
