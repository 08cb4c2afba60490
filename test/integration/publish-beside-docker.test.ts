import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { deleteNetworkNamespace } from '../../src/host/namespaces.ts';
import { startEngine } from '../../src/networks/private-engine.contract-suite.ts';
import {
  answerInside,
  ask,
  command,
  enterPrivateHost,
  joinOutside,
} from '../../src/networks/private-host.contract-suite.ts';
import { startDockerd } from '../conformance/differential/dockerd.ts';

enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));

/** What dockerd keeps on this host, without what others put into its chain for them, and without counters. */
const rulesOfDocker = (): string[] =>
  ['filter', 'nat']
    .flatMap((table) => command('iptables', '-t', table, '-S').split('\n'))
    .filter((line) => !line.includes('--comment tug-'));

it("beside a running dockerd containers are reached and reach the world, and dockerd's rules stay as they are", async () => {
  command('sysctl', '-qw', 'net.ipv4.ip_forward=0'); // only where it turns forwarding on does dockerd drop what is forwarded
  await using _docker = await startDockerd(`/proc/${process.pid}/ns/net`);
  const before = rulesOfDocker();
  assert.ok(before.includes('-P FORWARD DROP'));
  {
    await using engine = await startEngine();
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    using _a = await answerInside(a.path, 'tcp', 80);
    using _world = await answerInside(outside, 'tcp', 80);
    assert.equal(await ask('198.51.100.1', 8080, { namespace: outside }), '198.51.100.2');
    assert.equal(await ask('198.51.100.2', 80, { namespace: a.path }), '198.51.100.1');
    assert.match(command('iptables', '-S', 'DOCKER-USER'), /-i tug0 .*--comment tug-[0-9a-f]+ -j ACCEPT/);
    assert.deepEqual(rulesOfDocker(), before);
  }
  assert.deepEqual(rulesOfDocker(), before);
  assert.doesNotMatch(command('iptables', '-S', 'DOCKER-USER'), /tug/);
});
