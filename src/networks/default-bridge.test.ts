import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDatabase } from '../base/database.ts';
import { newId } from '../base/ids.ts';
import type { BridgeOptions } from './drivers/default-bridge.ts';
import { networkMigrations } from './migrations.ts';
import { startEngine } from './private-engine.contract-suite.ts';
import { answerInside, ask, command, enterPrivateHost } from './private-host.contract-suite.ts';
import { createNetworkStore } from './store.ts';

enterPrivateHost();

const inside = (namespace: string, ...args: string[]): string => command('nsenter', `--net=${namespace}`, ...args);
const refused = (options: BridgeOptions, what: RegExp) => assert.rejects(startEngine({ options }), what);

describe('the default bridge', () => {
  it('gives addresses of a part of its subnet, and another way out', async () => {
    const options = { bip: '10.99.0.1/24', fixedCidr: '10.99.0.128/25', defaultGateway: '10.99.0.254' };
    await using engine = await startEngine({ options });
    const a = await engine.attach();
    assert.equal(a.ip, '10.99.0.128');
    assert.match(inside(a.path, 'ip', 'route'), /^default via 10\.99\.0\.254 dev eth0/);
    assert.equal(a.endpoints['bridge']?.Gateway, '10.99.0.254');
    assert.deepEqual(engine.networks.inspect('bridge').IPAM.Config, [
      {
        ...{ Subnet: '10.99.0.0/24', IPRange: '10.99.0.128/25', Gateway: '10.99.0.1' },
        AuxiliaryAddresses: { DefaultGatewayIPv4: '10.99.0.254' },
      },
    ]);
    await refused(
      { bip: '10.99.0.1/24', fixedCidr: '10.98.0.0/24' },
      /"fixed-cidr" 10\.98\.0\.0\/24: it is not in the/,
    );
    await refused(
      { bip: '10.99.0.1/24', defaultGateway: '10.98.0.1' },
      /"default-gateway" 10\.98\.0\.1: it is no address/,
    );
    await refused({ bip: '10.99.0.0/24' }, /it must be a host address in its subnet/);
  });

  it('has IPv6 where it is wanted, usable at once', async () => {
    await using engine = await startEngine({ options: { bip: '10.99.1.1/24', ipv6: true, fixedCidrV6: 'fd99::/64' } });
    const [a, b] = [await engine.attach(), await engine.attach()];
    assert.equal(a.endpoints['bridge']?.GlobalIPv6Address, 'fd99::2');
    assert.equal(a.endpoints['bridge']?.IPv6Gateway, 'fd99::1');
    assert.match(inside(a.path, 'ip', '-6', 'route'), /^default via fd99::1 dev eth0/m);
    inside(a.path, 'busybox', 'ping6', '-c1', '-w9', 'fd99::3');
    inside(b.path, 'busybox', 'ping6', '-c1', '-w9', 'fd99::1');
    assert.doesNotMatch(inside(a.path, 'ip', '-6', 'address'), /tentative/);
  });

  it('can be a bridge of the host, which stays as it is', async () => {
    await refused({ given: 'theirs' }, /bridge device with non default name theirs must be created manually/);
    command('ip', 'link', 'add', 'theirs', 'type', 'bridge');
    await refused({ given: 'theirs' }, /the bridge theirs has no address of IPv4/);
    command('ip', 'address', 'add', '10.99.2.9/24', 'dev', 'theirs');
    command('ip', 'link', 'set', 'theirs', 'up');
    {
      await using engine = await startEngine({ options: { given: 'theirs' } });
      const a = await engine.attach();
      assert.deepEqual([a.ip, a.endpoints['bridge']?.Gateway], ['10.99.2.1', '10.99.2.9']);
      using _a = await answerInside(a.path, 'tcp', 80);
      assert.equal(await ask(a.ip, 80), '10.99.2.9');
    }
    assert.match(command('ip', 'address', 'show', 'theirs'), /10\.99\.2\.9\/24/);
    command('ip', 'link', 'delete', 'theirs');
  });

  it('can be none at all', async () => {
    await using engine = await startEngine({ defaultBridge: false });
    assert.deepEqual(
      engine.networks.list({}).map(({ Name }) => Name),
      ['host', 'none'],
    );
    const a = await engine.attach();
    assert.deepEqual(Object.keys(a.endpoints), ['none']);
  });
});

describe('networks of an older tug', () => {
  it('go on with their addresses', () => {
    using database = openDatabase(':memory:', networkMigrations.slice(0, 1));
    database.run(
      `INSERT INTO networks VALUES ('a1', 'bridge', 'bridge', '{"bridge":"tug0"}', '10.9.0.0/24', '10.9.0.1', '10.9.0.7'),
        ('a2', 'host', 'host', '{}', NULL, NULL, NULL)`,
    );
    for (const { sql } of networkMigrations.slice(1))
      for (const statement of sql.split(';').filter((text) => text.trim())) database.run(statement);
    const store = createNetworkStore(database);
    const bridge = store.networkByName('bridge');
    const pool = { subnet: '10.9.0.0/24', gateway: '10.9.0.1', range: '', auxiliary: {}, chosen: false };
    assert.deepEqual(bridge?.addressing, { ipv4: [pool], ipv6: [] });
    assert.deepEqual([bridge?.options, bridge?.enableIpv4], [{ bridge: 'tug0' }, true]);
    assert.equal(store.lastAddresses('a1').ip, '10.9.0.7');
    assert.equal(store.networkByName('host')?.addressing, undefined);
  });
});

describe('connecting', () => {
  it('asks the database as often for the twentieth container as for the first', async () => {
    await using engine = await startEngine();
    await engine.networks.create({ Name: 'many', IPAM: { Config: [{ Subnet: '10.99.4.0/24' }] } });
    const asked = async (): Promise<number> => {
      const before = engine.statements();
      await engine.attach({ containerId: newId(), mode: 'many' });
      return engine.statements() - before;
    };
    const first = await asked();
    const costs: number[] = [];
    for (let at = 0; at < 20; at += 1) costs.push(await asked());
    assert.deepEqual(new Set(costs), new Set([first]));
  });

  it("sets what is asked of an interface: its name, and the kernel's settings of it", async () => {
    await using engine = await startEngine();
    await engine.networks.create({ Name: 'named', IPAM: { Config: [{ Subnet: '10.99.5.0/24' }] } });
    const options = (more: object) => ({
      mode: 'named',
      endpoints: { named: { DriverOpts: { 'com.docker.network.endpoint.ifname': 'lan', ...more } } },
    });
    const sysctls = { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1' };
    const a = await engine.attach(options(sysctls));
    assert.match(inside(a.path, 'ip', '-br', 'link'), /^lan@/m);
    assert.equal(inside(a.path, 'cat', '/proc/sys/net/ipv4/conf/lan/log_martians').trim(), '1');
    const bad = options({ 'com.docker.network.endpoint.sysctls': 'kernel.hostname=x' });
    await assert.rejects(engine.attach(bad), /invalid endpoint sysctl/);
    await assert.rejects(
      engine.attach(options({ 'com.docker.network.endpoint.ifname': 'a/b' })),
      /invalid interface name/,
    );
  });
});
