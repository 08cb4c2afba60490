import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { NetworkInspect } from '../../src/api/types/network.ts';
import { runChecked } from '../../src/base/process.ts';
import { disagreements } from '../crash/invariants.ts';
import { type CommandLine, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { soon } from '../helpers/events.ts';
import { faultOf, said } from '../helpers/saying.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const given = new Set<string>();

/** One that was not given before. */
function another(make: () => string): string {
  for (;;) {
    const made = make();
    if (given.has(made)) continue;
    given.add(made);
    return made;
  }
}

/** A /24 that no other test engine has: theirs are below 10.100 and from 10.125 on. */
const someSubnet = (): string => another(() => `10.${randomInt(100, 125)}.${randomInt(256)}`);
const someIpv6 = (): string =>
  another(() => `fd${randomInt(16, 256).toString(16)}:${randomInt(1, 65536).toString(16)}:1:1`);

const say = (cli: CommandLine, ...args: string[]) => said(engine, cli, ...args);
const fault = (cli: CommandLine, ...args: string[]) => faultOf(engine, cli, ...args);

const inspect = async (name: string): Promise<NetworkInspect> =>
  (await engine.api('GET', `/networks/${name}`)).json<NetworkInspect>();

const idle = ['sleep', '600'];

for (const cli of commandLines) {
  describe(`networks of users, by ${cli}`, () => {
    after(() => engine[cli](['network', 'prune', '-f']));

    it('are made with what is asked for, shown, listed and removed', async () => {
      const [four, six] = [someSubnet(), someIpv6()];
      const id = await say(
        cli,
        ...['network', 'create', '--subnet', `${four}.0/24`, '--ip-range', `${four}.64/26`, '--gateway', `${four}.9`],
        ...[
          '--aux-address',
          `other=${four}.65`,
          '--ipv6',
          '--subnet',
          `${six}::/64`,
          '--label',
          'kind=test',
          '--attachable',
        ],
        ...['-o', 'com.docker.network.driver.mtu=1400', '-o', 'com.docker.network.bridge.enable_icc=false', 'made'],
      );
      const { Created, Status, ...shown } = await inspect('made');
      assert.equal(Date.parse(Created) > 0, true);
      assert.deepEqual(shown, {
        ...{ Name: 'made', Id: id, Scope: 'local', Driver: 'bridge', EnableIPv4: true, EnableIPv6: true },
        IPAM: {
          Driver: 'default',
          Options: {},
          Config: [
            {
              Subnet: `${four}.0/24`,
              IPRange: `${four}.64/26`,
              Gateway: `${four}.9`,
              AuxiliaryAddresses: { other: `${four}.65` },
            },
            { Subnet: `${six}::/64`, Gateway: `${six}::1` },
          ],
        },
        ...{ Internal: false, Attachable: true, Ingress: false, ConfigFrom: { Network: '' }, ConfigOnly: false },
        Options: { 'com.docker.network.bridge.enable_icc': 'false', 'com.docker.network.driver.mtu': '1400' },
        Labels: { kind: 'test' },
        Containers: {},
      });
      assert.deepEqual(Status.IPAM.Subnets[`${four}.0/24`], { IPsInUse: 4, DynamicIPsAvailable: 63 });
      const link = await runChecked('ip', ['address', 'show', `br-${id.slice(0, 12)}`]);
      assert.match(link, new RegExp(`mtu 1400.*inet ${four}\\.9/24.*inet6 ${six}::1/64`, 's'));
      const row = ['network', 'ls', '--no-trunc', '--format', '{{.ID}} {{.Name}} {{.IPv6}} {{.Label "kind"}}'];
      assert.equal(await say(cli, ...row, '-f', 'label=kind=test'), `${id} made true test`);
      assert.equal(await say(cli, 'network', 'ls', '-q', '-f', 'name=made'), id.slice(0, 12));
      assert.equal(await say(cli, 'network', 'inspect', '-f', '{{.Name}}', id.slice(0, 8)), 'made');
      assert.equal(await say(cli, 'network', 'rm', 'made'), 'made');
      assert.equal(existsSync(`/sys/class/net/br-${id.slice(0, 12)}`), false);
      assert.match(await fault(cli, 'network', 'inspect', 'made'), /network made not found/);
      await say(cli, 'network', 'rm', '-f', 'made');
    });

    it('are refused where they cannot be, and nothing is left', async () => {
      const four = someSubnet();
      await say(cli, 'network', 'create', '--subnet', `${four}.0/24`, 'first');
      for (const [wanted, ...args] of [
        [/network with name first already exists/, 'first'],
        [/operation is not permitted on predefined bridge network/, 'bridge'],
        [/invalid name: name is empty/, ' '],
        [/Pool overlaps with other one on this address space/, '--subnet', `${four}.128/25`, 'x'],
        [/127\.0\.0\.0\/8, which this host has a route to/, '--subnet', '127.0.0.0/8', 'x'],
        [/no matching subnet for gateway 192\.0\.2\.1/, '--subnet', '10.1.1.0/24', '--gateway', '192.0.2.1', 'x'],
        [/every ip-range or gateway must have a corresponding subnet/, '--gateway', '192.0.2.1', 'x'],
        [
          /multiple overlapping subnet configuration is not supported/,
          '--subnet',
          '10.1.0.0/16',
          '--subnet',
          '10.1.1.0/24',
          'x',
        ],
        [/bridge driver doesn't support multiple subnets/, '--subnet', '10.1.1.0/24', '--subnet', '10.1.2.0/24', 'x'],
        [/invalid subnet 10\.1\.1\.5\/24: it should be 10\.1\.1\.0\/24/, '--subnet', '10.1.1.5/24', 'x'],
        [/plugin "nosuch" not found/, '-d', 'nosuch', 'x'],
        [/only one instance of "host" network is allowed/, '-d', 'host', 'x'],
        [/Ingress network can only be global scope network/, '--ingress', 'x'],
        [/This node is not a swarm manager/, '--scope', 'swarm', 'x'],
        [/plugin "nosuch" not found/, '--ipam-driver', 'nosuch', 'x'],
        [/IPv4 or IPv6 must be enabled/, '--ipv4=false', 'x'],
        [/configuration network "nosuch" does not exist/, '--config-from', 'nosuch', 'x'],
        [/first is not a configuration network/, '--config-from', 'first', 'x'],
        [/is not between 68 and 65535/, '-o', 'com.docker.network.driver.mtu=1', 'x'],
        [/not available in this version of tug/, '-o', 'com.docker.network.bridge.inhibit_ipv4=true', 'x'],
      ] as const)
        assert.match(await fault(cli, 'network', 'create', ...args), wanted);
      assert.match(
        await fault(cli, 'network', 'rm', 'bridge'),
        /bridge is a pre-defined network and cannot be removed/,
      );
      assert.match(await fault(cli, 'network', 'ls', '-f', 'nosuch=1'), /invalid filter 'nosuch'/);
      assert.equal((await say(cli, 'network', 'ls', '-q', '-f', 'type=custom')).split('\n').length, 1);
      await say(cli, 'network', 'rm', 'first');
    });

    it('are made from the configuration of another', async () => {
      const four = someSubnet();
      await say(cli, 'network', 'create', '--config-only', '--subnet', `${four}.0/24`, '--label', 'a=b', 'plan');
      await say(cli, 'network', 'create', '--config-from', 'plan', 'planned');
      const { IPAM, ConfigFrom, Labels } = await inspect('planned');
      assert.deepEqual([IPAM.Config?.[0]?.Subnet, ConfigFrom.Network, Labels['a']], [`${four}.0/24`, 'plan', 'b']);
      assert.match(await fault(cli, 'network', 'rm', 'plan'), /configuration network "plan" is in use/);
      await say(cli, 'network', 'rm', 'planned');
      await say(cli, 'network', 'rm', 'plan');
    });

    it('carry containers, several to one, with addresses, ways out and names of their choice', async () => {
      const [one, two, six] = [someSubnet(), someSubnet(), someIpv6()];
      await say(cli, 'network', 'create', '--subnet', `${one}.0/24`, 'net-one');
      await say(cli, 'network', 'create', '--subnet', `${two}.0/24`, '--ipv6', '--subnet', `${six}::/64`, 'net-two');
      const second = `name=net-two,ip=${two}.7,ip6=${six}::7,alias=also,mac-address=02:42:00:00:00:99,gw-priority=1`;
      const flags = ['--network', 'net-one', '--network-alias', 'other', '--network', second];
      await say(cli, 'run', '-d', '--name', 'carried', ...flags, 'busybox', ...idle);
      const script = 'ifconfig | grep -o "inet6* addr: *[^ ]*"; ip route; ip -6 route; cat /etc/hosts';
      const inside = await say(cli, 'exec', 'carried', 'sh', '-c', script);
      for (const line of [`${one}.2`, `${two}.7`, `${six}::7/64`]) assert.match(inside, new RegExp(`addr: ?${line}`));
      assert.match(inside, new RegExp(`^default via ${two}\\.1 dev eth1`, 'm'));
      assert.match(inside, new RegExp(`^default via ${six}::1 dev eth1`, 'm'));
      const short = (await say(cli, 'inspect', '-f', '{{.Id}}', 'carried')).slice(0, 12);
      for (const ip of [`${one}.2`, `${two}.7`, `${six}::7`])
        assert.match(inside, new RegExp(`^${ip}\t${short}$`, 'm'));
      const shown = JSON.parse(await say(cli, 'inspect', '-f', '{{json .NetworkSettings.Networks}}', 'carried'));
      assert.deepEqual(shown['net-one'].DNSNames, ['carried', 'other', short]);
      assert.deepEqual(shown['net-two'].IPAMConfig, { IPv4Address: `${two}.7`, IPv6Address: `${six}::7` });
      assert.equal(shown['net-two'].MacAddress, '02:42:00:00:00:99');
      assert.equal(shown['net-two'].GlobalIPv6Address, `${six}::7`);
      const containers = Object.values((await inspect('net-two')).Containers);
      assert.deepEqual(
        containers.map(({ Name, IPv4Address, IPv6Address }) => [Name, IPv4Address, IPv6Address]),
        [['carried', `${two}.7/24`, `${six}::7/64`]],
      );
      const reach = `until ping -c1 -W5 ${two}.7; do :; done; until ping6 -c1 -W5 ${six}::7; do :; done`;
      const ping = ['sh', '-c', `(${reach}) >/dev/null 2>&1; echo reached`];
      assert.equal(await say(cli, 'run', '--rm', '--network', 'net-two', 'busybox', ...ping), 'reached');
      assert.match(
        await fault(cli, 'network', 'rm', 'net-one'),
        /network net-one has active endpoints \(name:"carried"/,
      );
      const taken = await fault(cli, 'run', '--rm', '--network', 'net-two', '--ip', `${two}.7`, 'busybox');
      assert.match(taken, /Address already in use/);
      const outside = await fault(cli, 'run', '--rm', '--network', 'net-two', '--ip', `${one}.7`, 'busybox');
      assert.match(outside, new RegExp(`no configured subnet contains IP address ${one}\\.7`));
      await say(cli, 'rm', '-f', 'carried');
      await say(cli, 'network', 'rm', 'net-one', 'net-two');
    });

    it('are joined and left while containers run, and ports follow the way in', async () => {
      await say(cli, 'network', 'create', 'aa-joined');
      await say(cli, 'network', 'create', '--internal', 'closed');
      const publish = ['-p', '127.0.0.1::80', '--network', 'closed'];
      await say(cli, 'run', '-d', '--name', 'mover', ...publish, 'busybox', ...idle);
      const ports = () => say(cli, 'inspect', '-f', '{{json .NetworkSettings.Ports}}', 'mover');
      const inside = () =>
        say(cli, 'exec', 'mover', 'sh', '-c', 'ls /sys/class/net; ip route; grep -c $(hostname) /etc/hosts; true');
      assert.doesNotMatch(await inside(), /default/);
      await say(cli, 'network', 'connect', '--alias', 'nick', 'aa-joined', 'mover');
      assert.match(await inside(), /^eth0\neth1\nlo\ndefault via [\d.]+ dev eth1.*\n2$/s);
      assert.match(await ports(), /"HostIp":"127\.0\.0\.1"/);
      const networks = JSON.parse(await say(cli, 'inspect', '-f', '{{json .NetworkSettings.Networks}}', 'mover'));
      assert.deepEqual(networks['aa-joined'].Aliases, ['nick']);
      assert.match(await fault(cli, 'network', 'connect', 'aa-joined', 'mover'), /already exists in network aa-joined/);
      await say(cli, 'network', 'disconnect', 'closed', 'mover');
      assert.match(await inside(), /^eth1\nlo\ndefault via [\d.]+ dev eth1.*\n1$/s);
      await say(cli, 'network', 'disconnect', 'aa-joined', 'mover');
      assert.equal(await inside(), 'lo\n0');
      assert.match(await fault(cli, 'network', 'disconnect', 'closed', 'mover'), /is not connected to network closed/);
      await say(cli, 'network', 'connect', 'aa-joined', 'mover');
      assert.match(await inside(), /^eth0\nlo\ndefault via [\d.]+ dev eth0/s);
      await say(cli, 'stop', '-t', '0', 'mover');
      assert.match(
        await fault(cli, 'network', 'connect', '--ip', '10.0.0.9', 'bridge', 'mover'),
        /user defined networks only/,
      );
      await say(cli, 'network', 'connect', 'bridge', 'mover');
      await say(cli, 'network', 'disconnect', 'aa-joined', 'mover');
      await say(cli, 'start', 'mover');
      assert.match(await inside(), new RegExp(`default via ${engine.subnet.replace('/24', '')} dev eth0`));
      assert.match(
        await fault(cli, 'network', 'connect', 'host', 'mover'),
        /disconnected from host network or connected to host network/,
      );
      await say(cli, 'rm', '-f', 'mover');
      assert.match(await say(cli, 'network', 'prune', '-f'), /^Deleted Networks:\n/);
    });
  });
}

describe('networks of users', () => {
  it('keep containers apart, internal ones from the world, and icc=false from each other', async () => {
    await engine.tug(['network', 'create', 'apart']);
    await engine.tug(['network', 'create', '-o', 'com.docker.network.bridge.enable_icc=false', 'silent']);
    await say('tug', 'run', '-d', '--name', 'target', '--network', 'apart', '--network', 'silent', 'busybox', ...idle);
    const ip = async (network: string) =>
      JSON.parse(await say('tug', 'inspect', '-f', '{{json .NetworkSettings.Networks}}', 'target'))[network].IPAddress;
    const reached = async (network: string, target: string, script = `ping -c1 -w1 ${target}`) =>
      (await engine.tug(['run', '--rm', '--network', network, 'busybox', 'sh', '-c', script])).code === 0;
    const [apart, silent] = [await ip('apart'), await ip('silent')];
    assert.equal(await reached('apart', apart, `until ping -c1 -W5 ${apart}; do :; done`), true);
    assert.equal(await reached('bridge', apart), false);
    assert.equal(await reached('silent', silent), false);
    await engine.tug(['rm', '-f', 'target']);
    await engine.tug(['network', 'rm', 'apart', 'silent']);
  });

  it('tell their lives as events', async () => {
    const since = Date.now() / 1000;
    await say('tug', 'network', 'create', 'told');
    const id = await say('docker', 'run', '-d', '--name', 'teller', '--network', 'told', 'busybox', ...idle);
    await say('tug', 'rm', '-f', 'teller');
    await say('tug', 'network', 'rm', 'told');
    const filters = ['--filter', 'type=network', '--filter', 'network=told'];
    const format = '{{.Action}} {{index .Actor.Attributes "container"}} {{.Actor.Attributes.type}}';
    const said = await say(
      'docker',
      'events',
      '--since',
      String(since),
      '--until',
      soon(),
      ...filters,
      '--format',
      format,
    );
    assert.deepEqual(
      said.split('\n').map((line) => line.replace('<no value>', '').replace(/ +/g, ' ')),
      ['create bridge', `connect ${id} bridge`, `disconnect ${id} bridge`, 'destroy bridge'],
    );
  });

  it('outlive the engine, and are made again when somebody took their bridge away', async () => {
    const id = await say('tug', 'network', 'create', 'kept');
    const bridge = `br-${id.slice(0, 12)}`;
    const gateway = (await inspect('kept')).IPAM.Config?.[0]?.Gateway ?? '';
    await say('tug', 'run', '-d', '--name', 'keeper', '--network', 'kept', 'busybox', ...idle);
    const reaches = () =>
      say('tug', 'exec', 'keeper', 'sh', '-c', `until ping -c1 -w1 ${gateway}; do :; done >/dev/null; echo reached`);
    await engine.kill();
    await runChecked('ip', ['link', 'delete', bridge]);
    await engine.restart();
    assert.equal(await reaches(), 'reached');
    await runChecked('ip', ['link', 'delete', bridge]);
    const untilReached = `until ping -c1 -W5 ${gateway}; do :; done`;
    await say('tug', 'run', '--rm', '--network', 'kept', 'busybox', 'sh', '-c', untilReached);
    assert.equal(await reaches(), 'reached');
    await runChecked('ip', ['link', 'delete', bridge]);
    assert.match((await engine.tug(['doctor', '--repair'])).stdout, /✔ rules/);
    assert.equal(await reaches(), 'reached');
    await engine.tug(['rm', '-f', 'keeper']);
    await say('tug', 'network', 'rm', 'kept');
    assert.deepEqual(await disagreements(engine), []);
  });
});
