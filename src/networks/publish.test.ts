import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, describe, it } from 'node:test';
import { isKind } from '../base/errors.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { createPortHolder } from '../host/port-holder.ts';
import { startEngine } from './private-engine.contract-suite.ts';
import { answerInside, ask, command, enterPrivateHost, joinOutside, startFlow } from './private-host.contract-suite.ts';
import { claimPorts, wantedPorts } from './publish.ts';

/** Whether packets that a bridge forwards pass iptables and nftables; absent without br_netfilter. */
const bridgedSetting = '/proc/sys/net/bridge/bridge-nf-call-iptables';

enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));

describe('a published port', () => {
  for (const bridged of existsSync(bridgedSetting) ? ['0', '1'] : ['0']) {
    it(`is reached from everywhere and by itself with bridge-nf-call-iptables=${bridged}`, () => reachable(bridged));
  }

  async function reachable(bridged: string): Promise<void> {
    await using engine = await startEngine();
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    const b = await engine.attach();
    if (existsSync(bridgedSetting)) writeFileSync(bridgedSetting, bridged);
    const gateway = a.endpoints['bridge']?.Gateway ?? '';
    using _a = await answerInside(a.path, 'tcp', 80);
    const [HostPort, everywhere] = ['8080', ['0.0.0.0', '::']];
    assert.deepEqual(a.ports, { '80/tcp': everywhere.map((HostIp) => ({ HostIp, HostPort })) });
    assert.equal(await ask('127.0.0.1', 8080), gateway);
    assert.equal(await ask('198.51.100.1', 8080), '198.51.100.1');
    assert.equal(await ask('198.51.100.1', 8080, { namespace: outside }), '198.51.100.2');
    assert.equal(await ask('198.51.100.1', 8080, { namespace: b.path }), bridged === '1' ? b.ip : gateway);
    assert.equal(await ask(gateway, 8080, { namespace: a.path }), gateway);
    await engine.networks.release(a.id);
    assert.equal(await ask('127.0.0.1', 8080, { seconds: 1 }), undefined);
  }

  it('is not reached by another address than the one it was bound to', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ ports: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] } });
    using _a = await answerInside(a.path, 'tcp', 80);
    assert.notEqual(await ask('127.0.0.1', 8080), undefined);
    assert.equal(await ask('198.51.100.1', 8080, { namespace: outside, seconds: 1 }), undefined);
  });

  it('carries UDP beside TCP of the same number', async () => {
    await using engine = await startEngine();
    const ports = { '53/udp': [{ HostPort: '5353' }], '53/tcp': [{ HostPort: '5353' }] };
    const a = await engine.attach({ ports });
    using _udp = await answerInside(a.path, 'udp', 53);
    assert.equal(await ask('198.51.100.1', 5353, { namespace: outside, protocol: 'udp' }), '198.51.100.2');
  });

  it('is reached by a UDP flow that began before it was published, and then by the next container', async () => {
    await using engine = await startEngine();
    const ports = { '53/udp': [{ HostPort: '5354' }] };
    const flow = await startFlow(outside);
    try {
      for (let turn = 0; turn < 2; turn += 1) {
        await flow.send('198.51.100.1', 5354);
        const a = await engine.attach({ ports });
        {
          using _a = await answerInside(a.path, 'udp', 53);
          assert.equal(await flow.ask('198.51.100.1', 5354), '198.51.100.2');
        }
        await engine.networks.release(a.id);
      }
    } finally {
      flow.close();
    }
  });

  it('is one of a thousand of a container as well as alone', async () => {
    await using engine = await startEngine();
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    const a = await engine.attach({
      ports: Object.fromEntries(numbers.map((n) => [`${n + 1}/tcp`, [{ HostPort: `${10_000 + n}` }]])),
    });
    assert.equal(Object.keys(a.ports).length, 1000);
    using _a = await answerInside(a.path, 'tcp', 777);
    assert.equal(await ask('198.51.100.1', 10_776, { namespace: outside }), '198.51.100.2');
    assert.notEqual(await ask('::1', 10_776), undefined);
    await engine.networks.release(a.id);
    assert.doesNotMatch(command('nft', 'list', 'ruleset'), /10776/);
  });

  it('gets a free number for PublishAllPorts and for an empty HostPort', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ publishAll: ['80/tcp', '81/tcp'], ports: { '81/tcp': [{ HostPort: '' }] } });
    const numbers = Object.values(a.ports).map((bindings) => Number(bindings?.[0]?.HostPort));
    assert.equal(numbers.length, 2);
    for (const number of numbers) assert.ok(number >= 32768 && number <= 60999);
  });

  it('is its own for each of many that ask for one of a range, or for any, at once', async () => {
    await using engine = await startEngine();
    const ask = (index: number) =>
      engine.attach({
        ports: { '80/tcp': [{ HostPort: '9000-9019' }], '81/tcp': [{ HostPort: '' }] },
        name: `c${index}`,
      });
    const settled = await Promise.allSettled(Array.from({ length: 21 }, (_, index) => ask(index)));
    const attached = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const numbers = (port: string) => attached.map(({ ports }) => Number(ports[port]?.[0]?.HostPort)).sort();
    assert.deepEqual(
      numbers('80/tcp'),
      Array.from({ length: 20 }, (_, index) => 9000 + index),
    );
    assert.equal(new Set(numbers('81/tcp')).size, 20);
    const [refused] = settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []));
    assert.match(refused ?? '', /Bind for 0\.0\.0\.0:9000-9019 failed: port is already allocated/);
  });

  it('that another container has is refused in words that name both, and nothing is kept', async () => {
    await using engine = await startEngine();
    await engine.attach({ name: 'first', ports: { '80/tcp': [{ HostPort: '8080' }] } });
    const second = engine.attach({
      name: 'web',
      ports: { '81/tcp': [{ HostPort: '8081' }], '80/tcp': [{ HostPort: '8080' }] },
    });
    const message =
      /^driver failed programming external connectivity on endpoint web \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated \(by container first\)$/;
    await assert.rejects(
      second,
      (error) => isKind(error, 'conflict') && error.code === 'port-in-use' && message.test(error.message),
    );
    await engine.attach({ ports: { '81/tcp': [{ HostPort: '8081' }] } });
  });

  it('that a process of the host has is refused, and cannot be taken by one while it is published', async () => {
    await using engine = await startEngine();
    const server = createServer().listen(8090, '127.0.0.1');
    await once(server, 'listening');
    await assert.rejects(engine.attach({ ports: { '80/tcp': [{ HostPort: '8090' }] } }), /port is already allocated/);
    server.close();
    await once(server, 'close');
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8090' }] } });
    const late = createServer().listen(8090, '127.0.0.1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'EADDRINUSE');
    await engine.networks.release(a.id);
    const free = createServer().listen(8090, '127.0.0.1');
    await once(free, 'listening');
    free.close();
  });
});

const everywhere = ['0.0.0.0', '::'];

describe('wantedPorts', () => {
  it('reads bindings, ranges and ports to publish anywhere', () => {
    assert.deepEqual(
      wantedPorts(
        { '80': [{ HostPort: '8000-8002' }], '53/udp': [{ HostIp: '127.0.0.1', HostPort: '0' }] },
        ['80', '90/tcp'],
        everywhere,
      ),
      [
        { protocol: 'tcp', containerPort: 80, hostIps: everywhere, hostPorts: { from: 8000, to: 8002 } },
        { protocol: 'udp', containerPort: 53, hostIps: ['127.0.0.1'], hostPorts: undefined },
        { protocol: 'tcp', containerPort: 90, hostIps: everywhere, hostPorts: undefined },
      ],
    );
  });

  it('writes an IPv6 address as everybody does, and IPv4 in the guise of it as IPv4', () => {
    const hostIp = (HostIp: string) => wantedPorts({ '80': [{ HostIp, HostPort: '' }] }, [], everywhere)[0]?.hostIps;
    assert.deepEqual(hostIp('0:0:0:0:0:0:0:1'), ['::1']);
    assert.deepEqual(hostIp('::ffff:192.0.2.7'), ['192.0.2.7']);
  });

  it('refuses what is no port and no address', () => {
    const refused = (port: string, HostIp: string, HostPort: string) => () =>
      wantedPorts({ [port]: [{ HostIp, HostPort }] }, [], everywhere);
    assert.throws(refused('0/tcp', '', '80'), /invalid port specification: "0"/);
    assert.throws(refused('80/icmp', '', '80'), /invalid proto: icmp/);
    assert.throws(refused('80/tcp', '', '70000'), /invalid port specification/);
    assert.throws(refused('80/tcp', '', '9-8'), /invalid port specification/);
    assert.throws(refused('80/tcp', '1.2.3', '80'), /invalid IP address: 1\.2\.3/);
    assert.throws(refused('80/tcp', 'fe80::1%eth0', '80'), /invalid IP address/);
  });
});

describe('claimPorts', () => {
  it('takes the first free port of a range, and lets all go when one cannot be had', () => {
    using holder = createPortHolder();
    const range = (from: number, to: number) => ({
      protocol: 'tcp' as const,
      containerPort: 80,
      hostIps: ['0.0.0.0'],
      hostPorts: { from, to },
    });
    const numbers = claimPorts([range(7001, 7002), range(7001, 7002)], holder).map(({ hostPort }) => hostPort);
    assert.deepEqual(numbers, [7001, 7002]);
    assert.throws(
      () => claimPorts([range(7003, 7003), range(7001, 7002)], holder),
      /Bind for 0\.0\.0\.0:7001-7002 failed/,
    );
    assert.equal(holder.holds({ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 7003 }), false);
  });

  it('says which address is not of this host, and which protocol the kernel lacks', () => {
    using holder = createPortHolder();
    const wish = {
      protocol: 'tcp' as const,
      containerPort: 80,
      hostIps: ['203.0.113.9'],
      hostPorts: { from: 80, to: 80 },
    };
    assert.throws(
      () => claimPorts([wish], holder),
      /Bind for 203\.0\.113\.9:80 failed: cannot assign requested address/,
    );
    try {
      claimPorts([{ ...wish, hostIps: ['0.0.0.0'], protocol: 'sctp' }], holder);
    } catch (error) {
      assert.ok(isKind(error, 'unsupported'));
    }
  });
});
