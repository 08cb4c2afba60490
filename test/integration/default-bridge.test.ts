import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { engineNames } from '../../src/networks/engine-names.ts';
import { serve } from '../helpers/answering.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let prefix: string;
before(async () => {
  prefix = `10.126.${process.pid % 256}`;
  engine = await startEngine({
    args: [
      ...['--bip', `${prefix}.1/24`, '--fixed-cidr', `${prefix}.64/26`, '--default-gateway', `${prefix}.9`],
      ...['--mtu', '1391', '--ip', '127.0.0.1', '--ip-masq=false', '--userland-proxy=false'],
    ],
  });
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

describe("settings of the engine's default bridge", () => {
  it('hold for its containers: address, way out, MTU, and where ports are published', async () => {
    await serve(engine, 'docker', 'held', '-p', '80');
    const { stdout } = await engine.docker(['exec', 'held', 'sh', '-c', 'ip route; cat /sys/class/net/eth0/mtu']);
    assert.match(stdout, new RegExp(`^default via ${prefix}\\.9 dev eth0`));
    assert.match(stdout, /^1391$/m);
    const [shown] = JSON.parse((await engine.docker(['inspect', 'held'])).stdout) as [
      { NetworkSettings: { Networks: { bridge: { IPAddress: string } }; Ports: Record<string, { HostIp: string }[]> } },
    ];
    const { Networks, Ports } = shown.NetworkSettings;
    const last = Number(Networks.bridge.IPAddress.split('.')[3]);
    assert.ok(last >= 64 && last < 128, Networks.bridge.IPAddress);
    assert.deepEqual(
      Ports['80/tcp']?.map(({ HostIp }) => HostIp),
      ['127.0.0.1'],
    );
  });

  it('leave containers their own addresses on the way out, and the networks of users are as they were', async () => {
    const masked = async (subnet: string): Promise<boolean> => {
      const { table } = engineNames((await engine.api('GET', '/info')).json<{ ID: string }>().ID);
      const set = await runChecked('nft', ['list', 'set', 'inet', table, 'subnets']);
      return set.includes(subnet);
    };
    const made = await engine.tug(['network', 'create', 'own']);
    assert.equal(made.code, 0, made.stderr);
    const { stdout } = await engine.tug(['network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', 'own']);
    assert.match(stdout, /^\d+\.\d+\.\d+\.0\/24\n$/);
    assert.deepEqual([await masked(`${prefix}.0/24`), await masked(stdout.trim())], [false, true]);
    const mtu = await engine.tug(['run', '--rm', '--network', 'own', 'busybox', 'cat', '/sys/class/net/eth0/mtu']);
    assert.equal(mtu.stdout, '1500\n');
  });
});
