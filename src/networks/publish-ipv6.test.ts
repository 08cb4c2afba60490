import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { startEngine } from './private-engine.contract-suite.ts';
import {
  answerInside,
  ask,
  command,
  countInside,
  enterPrivateHost,
  joinOutside,
} from './private-host.contract-suite.ts';

/** Whether what a bridge forwards passes the rules of IPv6; absent without br_netfilter. */
const bridged = '/proc/sys/net/bridge/bridge-nf-call-ip6tables';

enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));
before(() => {
  command('ip', 'address', 'add', '2001:db8::1/64', 'dev', 'up0', 'nodad');
  command('nsenter', `--net=${outside}`, 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0');
  command('nsenter', `--net=${outside}`, 'ip', 'address', 'add', '2001:db8::2/64', 'dev', 'eth0', 'nodad');
});

describe("a port of a container without IPv6, at the host's IPv6 addresses", () => {
  it('is reached from this host and from outside, and comes from the bridge', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    const gateway = a.endpoints['bridge']?.Gateway;
    using _a = await answerInside(a.path, 'tcp', 80);
    for (const target of ['::1', '2001:db8::1']) assert.equal(await ask(target, 8080), gateway);
    assert.equal(await ask('2001:db8::1', 8080, { namespace: outside }), gateway);
    await engine.networks.release(a.id);
    assert.equal(await ask('::1', 8080, { seconds: 1 }), undefined);
  });

  it('is reached by the address alone that it was published on', async () => {
    await using engine = await startEngine();
    const ports = { '80/tcp': [{ HostIp: '::1', HostPort: '8081' }], '53/udp': [{ HostIp: '::1', HostPort: '5301' }] };
    const a = await engine.attach({ ports });
    assert.deepEqual(a.ports['80/tcp'], [{ HostIp: '::1', HostPort: '8081' }]);
    using _a = await answerInside(a.path, 'tcp', 80);
    assert.notEqual(await ask('::1', 8081), undefined);
    assert.equal(await ask('2001:db8::1', 8081, { namespace: outside, seconds: 1 }), undefined);
    assert.equal(await ask('127.0.0.1', 8081, { seconds: 1 }), undefined);
  });

  it('carries UDP, of several clients at once', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ ports: { '53/udp': [{ HostPort: '5353' }] } });
    const gateway = a.endpoints['bridge']?.Gateway;
    using _a = await answerInside(a.path, 'udp', 53);
    const clients = [{}, { namespace: outside }, {}];
    const answers = await Promise.all(
      clients.map((client) => ask('namespace' in client ? '2001:db8::1' : '::1', 5353, { ...client, protocol: 'udp' })),
    );
    assert.deepEqual(answers, [gateway, gateway, gateway]);
  });

  it('carries half-closed connections to their end, and tells the client of a container that refuses', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8082' }], '81/tcp': [{ HostPort: '8083' }] } });
    using _a = await countInside(a.path, 80);
    const client = connect({ host: '::1', port: 8082, allowHalfOpen: true });
    const said: Buffer[] = [];
    client.on('data', (chunk: Buffer) => said.push(chunk));
    client.end(Buffer.alloc(1_000_000, 'x'));
    await once(client, 'close');
    assert.equal(Buffer.concat(said).toString(), '1000000');
    const refused = connect({ host: '::1', port: 8083, allowHalfOpen: true });
    refused.on('error', () => {}); // reset
    await new Promise((resolve) => refused.resume().on('close', resolve));
  });

  it('is refused to a process of the host, and refused when one has it, by its name', async () => {
    await using engine = await startEngine();
    await engine.attach({ ports: { '80/tcp': [{ HostPort: '8084' }] } });
    const late = createServer().listen(8084, '::1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'EADDRINUSE');
    const program = "require('node:net').createServer().listen(8085, '::1', () => console.log('up'))";
    const server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(server.stdout, 'data');
      await assert.rejects(
        engine.attach({ ports: { '80/tcp': [{ HostPort: '8085' }] } }),
        /Bind for \[::\]:8085 failed: port is already allocated \(by \S+, process \d+\)$/,
      );
    } finally {
      server.kill('SIGKILL');
    }
  });

  it('is not published without the relay', async () => {
    await using engine = await startEngine({ publishing: { relay: false } });
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8086' }] } });
    assert.deepEqual(a.ports, { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8086' }] });
  });
});

describe('a port of a container with IPv6', () => {
  it('keeps the address of those who ask by IPv6, where they come from another network', async () => {
    await using engine = await startEngine();
    const IPAM = { Config: [{ Subnet: 'fd07:1::/64', Gateway: 'fd07:1::1' }] };
    await engine.networks.create({ Name: 'six', EnableIPv6: true, IPAM });
    const ports = { '80/tcp': [{ HostPort: '8080' }], '53/udp': [{ HostPort: '5302' }] };
    const a = await engine.attach({ mode: 'six', endpoints: { six: {} }, ports });
    const b = await engine.attach({ mode: 'six', endpoints: { six: {} } });
    if (existsSync(bridged)) writeFileSync(bridged, '0');
    using _six = await answerInside(a.path, 'tcp6', 80);
    using _four = await answerInside(a.path, 'tcp', 80);
    using _udp = await answerInside(a.path, 'udp6', 53);
    assert.equal(await ask('2001:db8::1', 8080, { namespace: outside }), '2001:db8::2');
    assert.equal(await ask('198.51.100.1', 8080, { namespace: outside }), '198.51.100.2');
    assert.equal(await ask('2001:db8::1', 5302, { namespace: outside, protocol: 'udp' }), '2001:db8::2');
    assert.equal(await ask('2001:db8::1', 8080), '2001:db8::1');
    assert.equal(await ask('::1', 8080), 'fd07:1::1');
    assert.equal(await ask('::1', 5302, { protocol: 'udp' }), 'fd07:1::1');
    for (const namespace of [a.path, b.path]) assert.equal(await ask('fd07:1::1', 8080, { namespace }), 'fd07:1::1');
    const c = await engine.attach();
    const gateway = c.endpoints['bridge']?.Gateway ?? '';
    assert.equal(await ask(gateway, 8080, { namespace: c.path }), c.ip);
    assert.equal(await ask('fd07:1::2', 80, { namespace: outside, seconds: 1 }), undefined);
  });
});

describe('the relay', () => {
  it('takes nothing that was not led to it', async () => {
    await using engine = await startEngine();
    await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    const [, port = ''] = /redirect to :(\d+)/.exec(command('nft', 'list', 'ruleset')) ?? [];
    assert.notEqual(port, '');
    for (const target of ['::1', '127.0.0.1']) assert.equal(await ask(target, Number(port), { seconds: 1 }), undefined);
  });
});
