import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { EgressRule } from '../formats/egress-rule.ts';
import { createFirewall } from '../host/firewall.ts';
import type { FirewallBridge } from '../host/firewall-table.ts';
import { openLinks } from '../host/links.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { createSandbox } from '../host/sandbox-links.ts';
import { writeSysctl } from '../host/sysctl.ts';
import { answerInside, ask, command, enterPrivateHost, joinOutside } from './private-host.contract-suite.ts';

/** Whether packets that a bridge forwards pass the rules of IP too; absent without br_netfilter. */
const bridgedSetting = '/proc/sys/net/bridge/bridge-nf-call-iptables';

enterPrivateHost();
const outside = joinOutside();
const firewall = createFirewall('tug-rules');
const links = openLinks();
const pins: string[] = [];
after(() => {
  for (const pin of [outside, ...pins]) deleteNetworkNamespace(pin);
  firewall[Symbol.dispose]();
  links[Symbol.dispose]();
});

/** A bridge `br<number>` with two containers at 10.9.<number>.2 and .3, and fd09:<number>::2 and ::3. */
function makeBridge(number: number): { name: string; containers: string[] } {
  const name = `br${number}`;
  const gateway = `10.9.${number}.1`;
  const [mac, broadcast] = [`02:42:00:00:0${number}:01`, `10.9.${number}.255`];
  const addresses = [
    { ip: gateway, prefix: 24, broadcast },
    { ip: `fd09:${number}::1`, prefix: 64 },
  ];
  links.addBridge({ name, mac, mtu: 1500, alias: 'rules', addresses, ipv6: true });
  const containers = [2, 3].map((host) => {
    const file = path.join(os.tmpdir(), `tug-rules-${process.pid}-${number}-${host}`);
    pins.push(file);
    using sandbox = createSandbox(file);
    const peer = { peerName: 'eth0', peerMac: `02:42:00:00:0${number}:0${host}` };
    links.addPort({ name: `v${number}${host}`, bridge: name, isolated: false, mtu: 1500, ...peer }, sandbox);
    sandbox.configure('eth0', [
      { ip: `10.9.${number}.${host}`, prefix: 24, broadcast },
      { ip: `fd09:${number}::${host}`, prefix: 64 },
    ]);
    const route = (by: string) => ({ link: 'eth0', gateway: by });
    sandbox.route({ ipv4: route(gateway), ipv6: route(`fd09:${number}::1`) });
    return file;
  });
  return { name, containers };
}

const [one, two] = [makeBridge(1), makeBridge(2)];
const [a = '', b = ''] = one.containers;
const [c = ''] = two.containers;

const plain: Omit<FirewallBridge, 'name' | 'subnets'> = { talking: true, internal: false, masquerade: true };
const bridges = (first: Partial<FirewallBridge>): FirewallBridge[] => [
  { name: 'br1', subnets: ['10.9.1.0/24', 'fd09:1::/64'], ...plain, ...first },
  { name: 'br2', subnets: ['10.9.2.0/24', 'fd09:2::/64'], ...plain },
];
const rules = (first: Partial<FirewallBridge> = {}) =>
  firewall.replace({ bridges: bridges(first), ports: [], relayPort: undefined });

before(() => {
  writeSysctl('net/ipv4/ip_forward', '1');
  writeSysctl('net/ipv6/conf/all/forwarding', '1');
  command('ip', 'address', 'add', '2001:db8::1/64', 'dev', 'up0', 'nodad');
  command('nsenter', `--net=${outside}`, 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0');
  command('nsenter', `--net=${outside}`, 'ip', 'address', 'add', '2001:db8::2/64', 'dev', 'eth0', 'nodad');
});

const silent = { seconds: 1 } as const;

describe('bridges of one engine', () => {
  it('are apart from each other, in both families, and reach the world with the address of the host', async () => {
    await rules();
    using _b = await answerInside(b, 'tcp', 81);
    using _c = await answerInside(c, 'tcp', 81);
    using _world = await answerInside(outside, 'tcp', 81);
    assert.equal(await ask('10.9.1.3', 81, { namespace: a }), '10.9.1.2');
    assert.equal(await ask('10.9.2.2', 81, { namespace: a, ...silent }), undefined);
    assert.equal(await ask('10.9.2.2', 81), '10.9.2.1');
    assert.equal(await ask('198.51.100.2', 81, { namespace: a }), '198.51.100.1');
  });

  it('reach the world by IPv6, and are apart there too', async () => {
    await rules();
    using _c = await answerInside(c, 'tcp6', 82);
    using _world = await answerInside(outside, 'tcp6', 82);
    assert.equal(await ask('2001:db8::2', 82, { namespace: a }), '2001:db8::1');
    assert.equal(await ask('fd09:2::2', 82, { namespace: a, ...silent }), undefined);
    assert.equal(await ask('fd09:2::2', 82), 'fd09:2::1');
  });

  it('that are internal have no way out and none in, and talk within', async () => {
    await rules({ internal: true });
    using _b = await answerInside(b, 'tcp', 83);
    using _c = await answerInside(c, 'tcp', 83);
    using _world = await answerInside(outside, 'tcp', 83);
    assert.equal(await ask('10.9.1.3', 83, { namespace: a }), '10.9.1.2');
    assert.equal(await ask('10.9.1.3', 83), '10.9.1.1');
    assert.equal(await ask('198.51.100.2', 83, { namespace: a, ...silent }), undefined);
    assert.equal(await ask('10.9.1.3', 83, { namespace: c, ...silent }), undefined);
    assert.equal(await ask('198.51.100.2', 83, { namespace: c }), '198.51.100.1');
  });

  it('keep their own addresses without masquerading', async () => {
    await rules({ masquerade: false });
    command('nsenter', `--net=${outside}`, 'ip', 'route', 'replace', '10.9.0.0/16', 'via', '198.51.100.1');
    using _b = await answerInside(b, 'tcp', 84);
    using _world = await answerInside(outside, 'tcp', 84);
    assert.equal(await ask('198.51.100.2', 84, { namespace: a }), '10.9.1.2');
    assert.equal(await ask('198.51.100.2', 84, { namespace: c }), '198.51.100.1');
    assert.equal(await ask('10.9.1.3', 84, { namespace: outside, ...silent }), undefined);
  });
});

describe('a port published on 127.0.0.1', () => {
  it('is not reached by a neighbour that sends packets for 127.0.0.1 here', async () => {
    const port = { protocol: 'tcp', hostPort: 8080, containerIp: '10.9.1.3', containerPort: 85 } as const;
    await firewall.replace({ bridges: bridges({}), ports: [{ ...port, hostIp: '127.0.0.1' }], relayPort: undefined });
    writeSysctl('net/ipv4/conf/br1/route_localnet', '1');
    using _b = await answerInside(b, 'tcp', 85);
    assert.equal(await ask('127.0.0.1', 8080), '10.9.1.1');
    const there = (...args: string[]) => command('nsenter', `--net=${outside}`, ...args);
    there('sysctl', '-qw', 'net.ipv4.conf.eth0.route_localnet=1');
    there('ip', 'route', 'delete', 'local', '127.0.0.0/8', 'dev', 'lo', 'table', 'local');
    there('ip', 'route', 'delete', 'local', '127.0.0.1', 'dev', 'lo', 'table', 'local');
    there('ip', 'route', 'add', '127.0.0.1', 'via', '198.51.100.1', 'src', '198.51.100.2');
    assert.equal(await ask('127.0.0.1', 8080, { namespace: outside, ...silent }), undefined);
  });
});

describe('egress rules', () => {
  const held = (...rules: EgressRule[]) =>
    firewall.replace({
      ...{ bridges: bridges({}), ports: [], relayPort: undefined },
      egress: [{ name: 'a', addresses: ['10.9.1.2', 'fd09:1::2'], ports: ['v12'], rules }],
    });
  const [all, world] = ['all', '198.51.100.0/24'];

  it('hold a container to them, and nobody else', async () => {
    using _world = await answerInside(outside, 'tcp', 90);
    using _six = await answerInside(outside, 'tcp6', 91);
    using _a = await answerInside(a, 'tcp', 92);
    using _b = await answerInside(b, 'tcp', 93);
    await held({ action: 'allow', to: world }, { action: 'deny', to: all });
    assert.equal(await ask('198.51.100.2', 90, { namespace: a }), '198.51.100.1');
    assert.equal(await ask('2001:db8::2', 91, { namespace: a, ...silent }), undefined);
    await held({ action: 'deny', to: world }, { action: 'allow', to: '2001:db8::2' }, { action: 'deny', to: all });
    assert.equal(await ask('198.51.100.2', 90, { namespace: a, ...silent }), undefined);
    assert.equal(await ask('2001:db8::2', 91, { namespace: a }), '2001:db8::1');
    assert.equal(await ask('198.51.100.2', 90, { namespace: b }), '198.51.100.1');
    assert.equal(await ask('10.9.1.2', 92), '10.9.1.1');
    assert.equal(await ask('10.9.1.3', 93, { namespace: a, ...silent }), undefined);
  });

  for (const bridged of existsSync(bridgedSetting) ? ['0', '1'] : ['0']) {
    it(`hold within its network, but not for answers, with bridge-nf-call-iptables=${bridged}`, () => within(bridged));
  }

  async function within(bridged: string): Promise<void> {
    if (existsSync(bridgedSetting)) writeFileSync(bridgedSetting, bridged);
    const base = bridged === '0' ? 1000 : 1010; // a socket takes a moment to close
    using _b = await answerInside(b, 'tcp', base);
    using _b6 = await answerInside(b, 'tcp6', base + 1);
    using _bUdp = await answerInside(b, 'udp', base + 2);
    using _a = await answerInside(a, 'tcp', base + 3);
    using _aUdp = await answerInside(a, 'udp', base + 4);
    const reached = async (...answers: readonly (string | undefined)[]): Promise<void> => {
      const wait = (at: number) => ({ namespace: a, ...(answers[at] === undefined ? silent : {}) });
      const said = await Promise.all([
        ask('10.9.1.3', base, wait(0)),
        ask('fd09:1::3', base + 1, wait(1)),
        ask('10.9.1.3', base + 2, { ...wait(2), protocol: 'udp' }),
      ]);
      assert.deepEqual(said, answers);
    };
    await held({ action: 'deny', to: all });
    await reached(undefined, undefined, undefined);
    assert.equal(await ask('10.9.1.2', base + 3, { namespace: b }), '10.9.1.3');
    assert.equal(await ask('10.9.1.2', base + 4, { namespace: b, protocol: 'udp' }), '10.9.1.3');
    await held({ action: 'allow', to: '10.9.1.0/24' }, { action: 'deny', to: all });
    await reached('10.9.1.2', undefined, '10.9.1.2');
    await rules();
    await reached('10.9.1.2', 'fd09:1::2', '10.9.1.2');
    assert.doesNotMatch(command('nft', 'list', 'tables'), /bridge/);
  }

  it('hold for neighbours that are asked by way of the host', async () => {
    using _b = await answerInside(b, 'tcp', 100);
    const byHost = (verb: string) =>
      command('nsenter', `--net=${a}`, 'ip', 'route', verb, '10.9.1.3', 'via', '10.9.1.1');
    await held({ action: 'deny', to: all });
    byHost('add');
    assert.equal(await ask('10.9.1.3', 100, { namespace: a, ...silent }), undefined);
    byHost('delete');
  });

  it('hold for the host too', async () => {
    using _host = await answerInside('/proc/thread-self/ns/net', 'tcp', 94);
    await held({ action: 'deny', to: all });
    assert.equal(await ask('10.9.1.1', 94, { namespace: a, ...silent }), undefined);
    assert.equal(await ask('10.9.1.1', 94, { namespace: b }), '10.9.1.3');
  });
});
