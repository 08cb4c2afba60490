import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { isKind } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { silentLogger } from '../base/log.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { startEngine } from './private-engine.contract-suite.ts';
import {
  answerInside,
  ask,
  command,
  enterPrivateHost,
  hostState,
  joinOutside,
  portsGone,
} from './private-host.contract-suite.ts';

enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));

describe('containers on the default bridge', () => {
  it('reach each other, the host and the world, and are not reached from outside', async () => {
    await using engine = await startEngine();
    const a = await engine.attach();
    const b = await engine.attach();
    using _a = await answerInside(a.path, 'tcp', 80);
    using _world = await answerInside(outside, 'tcp', 80);
    assert.equal(await ask(a.ip, 80, { namespace: b.path }), b.ip);
    assert.equal(await ask(a.ip, 80), a.endpoints['bridge']?.Gateway);
    assert.equal(await ask('198.51.100.2', 80, { namespace: b.path }), '198.51.100.1');
    command('nsenter', `--net=${outside}`, 'ip', 'route', 'replace', '172.16.0.0/12', 'via', '198.51.100.1');
    assert.equal(await ask(a.ip, 80, { namespace: outside, seconds: 1 }), undefined);
  });

  it('are described as inspect shows them', async () => {
    await using engine = await startEngine({ options: { bip: '10.99.0.1/24' } });
    const a = await engine.attach();
    const shown = a.endpoints['bridge'];
    assert.equal(shown?.IPAddress, '10.99.0.2');
    assert.equal(shown?.IPPrefixLen, 24);
    assert.equal(shown?.Gateway, '10.99.0.1');
    assert.equal(shown?.MacAddress, '02:42:0a:63:00:02');
    assert.equal(shown?.NetworkID, engine.networks.list({}).find(({ Name }) => Name === 'bridge')?.Id);
    assert.deepEqual(engine.networks.sandboxOf(a.id)?.endpoints, a.endpoints);
    assert.equal(engine.networks.sandboxOf(newId()), undefined);
  });

  it('get addresses in turn, released ones last', async () => {
    await using engine = await startEngine({ options: { bip: '10.99.0.1/29' } });
    const ips: string[] = [];
    for (let turn = 0; turn < 7; turn += 1) {
      const { id, ip } = await engine.attach();
      await engine.networks.release(id);
      ips.push(ip.replace('10.99.0.', ''));
    }
    assert.deepEqual(ips, ['2', '3', '4', '5', '6', '2', '3']);
    for (let full = 0; full < 5; full += 1) await engine.attach();
    await assert.rejects(engine.attach(), (error) => isKind(error, 'exhausted'));
  });

  it('leave nothing when they are released', async () => {
    await using engine = await startEngine();
    const idle = hostState();
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    const b = await engine.attach();
    for (const { id } of [a, b]) assert.deepEqual(engine.networks.sandboxes().get(id), engine.networks.sandboxOf(id));
    await engine.networks.release(b.id);
    await engine.networks.release(a.id);
    await engine.networks.release(a.id);
    await portsGone('tug0');
    assert.equal(hostState(), idle);
    assert.equal(existsSync(a.path), false);
    assert.equal(engine.networks.sandboxOf(a.id), undefined);
  });

  it('cannot talk to each other with icc off, and still reach the world', async () => {
    await using engine = await startEngine({ options: { icc: false } });
    const a = await engine.attach();
    const b = await engine.attach();
    using _a = await answerInside(a.path, 'tcp', 80);
    using _world = await answerInside(outside, 'tcp', 81);
    assert.equal(await ask(a.ip, 80, { namespace: b.path, seconds: 1 }), undefined);
    assert.equal(await ask('198.51.100.2', 81, { namespace: b.path }), '198.51.100.1');
  });

  it('take a MAC address and refuse what only networks of users have', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ endpoints: { default: { MacAddress: '02:00:00:00:AA:01' } } });
    assert.match(command('nsenter', `--net=${a.path}`, 'ip', 'link', 'show', 'eth0'), /02:00:00:00:aa:01/);
    const fixed = engine.attach({ endpoints: { bridge: { IPAMConfig: { IPv4Address: '172.17.0.9' } } } });
    await assert.rejects(fixed, /user specified IP address is supported on user defined networks only/);
    await assert.rejects(engine.attach({ endpoints: { bridge: { Aliases: ['db'] } } }), /network-scoped alias/);
    await assert.rejects(engine.attach({ endpoints: { mine: {} } }), /network mine not found/);
  });

  it('have ends on the host without addresses of their own', async () => {
    await using engine = await startEngine();
    await engine.attach();
    assert.match(command('ip', '-d', '-o', 'link', 'show', 'master', 'tug0'), /^[^\n]* addrgenmode none [^\n]*\n$/);
  });

  it('are connected although the bridge and the rules were deleted meanwhile', async () => {
    await using engine = await startEngine({ log: silentLogger });
    const a = await engine.attach();
    command('ip', 'link', 'delete', 'tug0');
    command('nft', 'flush', 'ruleset');
    const b = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    using _b = await answerInside(b.path, 'tcp', 80);
    assert.equal(await ask(b.ip, 80, { namespace: a.path }), a.ip);
    assert.notEqual(await ask('198.51.100.1', 8080, { namespace: outside }), undefined);
    command('nft', 'flush', 'ruleset');
    await engine.networks.release(b.id);
    assert.match(command('nft', 'list', 'tables'), /table inet tug-/);
  });
});

describe('none and host', () => {
  it('none has a namespace with loopback only', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ mode: 'none' });
    const links = command('nsenter', `--net=${a.path}`, 'ip', '-br', 'link');
    assert.match(links, /^lo +UNKNOWN .*\n$/);
    assert.deepEqual(Object.keys(a.endpoints), ['none']);
    assert.equal(a.endpoints['none']?.IPAddress, '');
  });

  it('host stays in the host namespace and publishes nothing', async () => {
    await using engine = await startEngine();
    const a = await engine.attach({ mode: 'host', ports: { '80/tcp': [{ HostPort: '8080' }] } });
    assert.deepEqual(a.namespace, { kind: 'host' });
    assert.deepEqual(Object.keys(a.endpoints), ['host']);
    assert.deepEqual(a.ports, {});
  });

  it('other modes are networks that do not exist', async () => {
    await using engine = await startEngine();
    const unknown = (error: unknown) => isKind(error, 'not-found') && error.message === 'network mine not found';
    await assert.rejects(engine.attach({ mode: 'mine' }), unknown);
  });
});

describe('two engines on one host', () => {
  let untouched = '';
  before(() => {
    untouched = hostState();
  });

  it('have their own subnets, tables and links, and removing one leaves the other alone', async () => {
    await using first = await startEngine({ bridge: 'tugA' });
    const a = await first.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    using _a = await answerInside(a.path, 'tcp', 80);
    {
      await using second = await startEngine({ bridge: 'tugB' });
      const b = await second.attach();
      assert.notEqual(a.endpoints['bridge']?.Gateway, b.endpoints['bridge']?.Gateway);
      assert.equal(await ask(a.ip, 80, { namespace: b.path, seconds: 1 }), undefined);
      assert.notEqual(await ask('198.51.100.1', 8080, { namespace: b.path }), undefined);
      await assert.rejects(second.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } }), /port is already allocated/);
    }
    assert.equal(await ask('198.51.100.1', 8080, { namespace: outside }), '198.51.100.2');
    assert.equal(command('ip', '-br', 'link').includes('tugB'), false);
    await assert.rejects(startEngine({ bridge: 'tugA' }), /belongs to another engine/);
  });

  it('leave the host as it was', () => assert.equal(hostState(), untouched));
});
