import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { buildQuery, mutate, seededRandom } from '../../src/formats/dns/test-packets.ts';
import { startUpstream } from '../../src/networks/dns/test-upstream.ts';
import { nameClient } from '../helpers/ask-names.ts';
import { type CommandLine, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

const [AAAA, PTR] = [28, 12];
let engine: TestEngine;
// Nobody answers at 127.0.0.1 of a container, so that what is passed on fails at once.
before(async () => {
  engine = await startEngine({
    args: ['--dns', '127.0.0.1', '--dns-search', 'corp.example', '--dns-opt', 'rotate'],
  });
  await starterImage(engine);
  await ok('docker', 'network', 'create', 'front');
  await ok('docker', 'network', 'create', 'back');
  await start('web', '--network', 'front', '--network-alias', 'www', '--hostname', 'webhost');
  await start('db', '--network', 'front', '--network-alias', 'WWW');
});
after(() => engine?.[Symbol.asyncDispose]());

async function ok(cli: CommandLine, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine[cli](args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

const start = (name: string, ...flags: string[]) =>
  ok('tug', 'run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
const remove = (...names: string[]) => ok('tug', 'rm', '-f', ...names);
const inside = (name: string, ...command: string[]) => ok('tug', 'exec', name, ...command);
/** A line of shell that asks the container's resolver until it has an answer, and prints that. The dot keeps it from the search domains. */
const lookUp = (name: string): string => `until said=$(nslookup ${name}. 2>&1); do :; done; echo "$said"`;
const addressOf = (name: string, network: string): Promise<string> =>
  ok('tug', 'inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name);

for (const cli of commandLines) {
  const once = (command: string, ...flags: string[]): Promise<string> =>
    ok(cli, 'run', '--rm', ...flags, 'busybox', 'sh', '-c', command);

  describe(`names of containers, through ${cli}`, () => {
    it('are known to each other on a network of a user', async () => {
      const ip = await addressOf('web', 'front');
      const said = await once(`until ping -c1 -W5 web; do :; done; ${lookUp('web')}`, '--network', 'front');
      assert.match(said, new RegExp(`PING web \\(${ip}\\)`));
      assert.match(said, new RegExp(`Name:\\s+web\\.?\\s+Address: ${ip}`));
    });

    it('are asked of the name server that resolv.conf names, which says where others come from', async () => {
      const flags = '--network front --dns 192.0.2.1 --dns-search a.example --dns-option edns0';
      const shown = await once('cat /etc/resolv.conf', ...flags.split(' '));
      assert.match(shown, /^nameserver 127\.0\.0\.11\nsearch a\.example\noptions edns0 ndots:0\n/);
      assert.match(shown, /^# ExtServers: \[192\.0\.2\.1\]$/m);
    });

    it('are not asked of the engine on the default bridge, whose containers get its settings', async () => {
      const shown = await once('cat /etc/resolv.conf');
      assert.equal(shown, 'nameserver 127.0.0.1\nsearch corp.example\noptions rotate');
      const own = await once('cat /etc/resolv.conf', '--dns', '192.0.2.9', '--dns-search', '.');
      assert.equal(own, 'nameserver 192.0.2.9\noptions rotate');
    });

    it('are what links of network connect call them, for the one that has the links alone', async () => {
      await start('linker');
      await ok(cli, 'network', 'connect', '--link', 'web:peer', '--link', 'db:store', 'front', 'linker');
      {
        using linked = await nameClient(engine, 'linker');
        assert.deepEqual((await linked.ask('peer')).records, [await addressOf('web', 'front')]);
        assert.deepEqual((await linked.ask('store.front')).records, [await addressOf('db', 'front')]);
      }
      using other = await nameClient(engine, 'web');
      assert.deepEqual((await other.ask('store.front')).records, []);
      const links = '{{json .NetworkSettings.Networks.front.Links}}';
      assert.equal(await ok(cli, 'inspect', '-f', links, 'linker'), '["web:peer","db:store"]');
      await ok(cli, 'network', 'disconnect', 'front', 'linker');
      await ok(cli, 'network', 'connect', 'front', 'linker');
      using client = await nameClient(engine, 'linker');
      assert.deepEqual((await client.ask('peer.front')).records, [], 'they go with the connection');
      await remove('linker');
    });

    it('are refused a name server that would ask itself', async () => {
      const args = 'run --rm --network front --dns 127.0.0.11 busybox true'.split(' ');
      const { code, stderr } = await engine[cli](args);
      assert.equal(code, 125);
      assert.match(stderr, /127\.0\.0\.11 is the engine's name server inside containers/);
    });
  });
}

it('settings of a resolver that are none are refused', async () => {
  for (const wrong of [{ Dns: ['example'] }, { DnsSearch: ['a\nnameserver 192.0.2.1'] }, { DnsOptions: ['a b'] }]) {
    const { status, text } = await engine.api('POST', '/containers/create', { Image: 'busybox', HostConfig: wrong });
    assert.equal(status, 400, text);
  }
});

describe('the name server of a container', () => {
  it('knows names, aliases, host names and ids, in any case and with the network behind them', async () => {
    using client = await nameClient(engine, 'db');
    const web = await addressOf('web', 'front');
    const id = await ok('tug', 'inspect', '-f', '{{.Id}}', 'web');
    for (const name of ['web', 'WEB', 'web.front', 'webhost', id.slice(0, 12)]) {
      const { code, records, ttls } = await client.ask(name);
      assert.deepEqual([name, code, records, ttls], [name, 0, [web], [600]]);
    }
    assert.deepEqual((await client.askOverTcp('web')).records, [web]);
    assert.deepEqual((await client.ask('www')).records.toSorted(), [web, await addressOf('db', 'front')].toSorted());
    const other = await client.ask('web', AAAA);
    assert.deepEqual([other.code, other.records], [0, []]);
    assert.deepEqual((await client.ask(`${web.split('.').reverse().join('.')}.in-addr.arpa`, PTR)).records, [
      'web.front',
    ]);
  });

  it('follows containers that come, are renamed, change networks and go', async () => {
    await start('first', '--network', 'back');
    using client = await nameClient(engine, 'first');
    const known = async (name: string): Promise<boolean> => (await client.ask(`${name}.back`)).records.length > 0;
    assert.equal(await known('second'), false);
    await start('second', '--network', 'back');
    assert.equal(await known('second'), true);
    await ok('tug', 'rename', 'second', 'renamed');
    assert.deepEqual([await known('second'), await known('renamed')], [false, true]);
    await ok('docker', 'network', 'connect', '--alias', 'guest', 'back', 'web');
    assert.deepEqual([await known('guest'), await known('web')], [true, true]);
    await ok('docker', 'network', 'disconnect', 'back', 'web');
    assert.deepEqual([await known('guest'), await known('web')], [false, false]);
    await ok('tug', 'stop', '-t', '0', 'renamed');
    assert.equal(await known('renamed'), false);
    await remove('first', 'renamed');
  });

  it('begins when a container joins its first network of a user, and ends with the last', async () => {
    await start('late');
    const plain = await inside('late', 'cat', '/etc/resolv.conf');
    await ok('docker', 'network', 'connect', 'front', 'late');
    assert.match(await inside('late', 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m);
    await inside('late', 'sh', '-c', lookUp('web'));
    await ok('docker', 'network', 'disconnect', 'front', 'late');
    assert.equal(await inside('late', 'cat', '/etc/resolv.conf'), plain);
    await inside('late', 'sh', '-c', 'echo "nameserver 192.0.2.77" >/etc/resolv.conf');
    await ok('docker', 'network', 'connect', 'front', 'late');
    assert.equal(await inside('late', 'cat', '/etc/resolv.conf'), 'nameserver 192.0.2.77');
    using client = await nameClient(engine, 'late');
    assert.equal((await client.ask('web')).records.length, 1);
    await remove('late');
  });

  it('passes other questions on, over UDP and TCP, and answers what is too long for one with the other', async () => {
    const gateway = await ok('docker', 'network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', 'front');
    const many = Array.from({ length: 100 }, (_, at) => `192.0.2.${at + 1}`);
    await using upstream = await startUpstream(
      ({ name }) => (name === 'many.example' ? many : name === 'one.example' ? ['192.0.2.1'] : 3),
      { address: gateway, port: 53 },
    );
    await start('asking', '--network', 'front', '--dns', gateway);
    using client = await nameClient(engine, 'asking');
    assert.deepEqual((await client.ask('one.example')).records, ['192.0.2.1']);
    assert.equal((await client.ask('none.example')).code, 3);
    const cut = await client.ask('many.example');
    assert.deepEqual([cut.truncated, cut.records.length], [true, 0]);
    assert.deepEqual((await client.askOverTcp('many.example')).records, many);
    assert.equal((await client.ask('web')).records.length, 1);
    assert.ok(upstream.asked.includes('tcp many.example') && !upstream.asked.includes('udp web'));
    await remove('asking');
  });

  it('passes nothing on from networks without a way out', async () => {
    await ok('docker', 'network', 'create', '--internal', 'closed');
    await start('shut', '--network', 'closed');
    using client = await nameClient(engine, 'shut');
    assert.equal((await client.ask('one.example')).code, 2);
    assert.equal((await client.ask('shut')).records.length, 1);
    await remove('shut');
    await ok('docker', 'network', 'rm', 'closed');
  });

  it('survives whatever is sent to it', async () => {
    using client = await nameClient(engine, 'web');
    const random = seededRandom(11);
    const whole = [buildQuery({ name: 'db', edns: 1232 }), buildQuery({ name: 'db.front', type: PTR })];
    using other = await nameClient(engine, 'web');
    for (let round = 0; round < 2000; round += 1) await other.send(mutate(whole[round % 2] ?? Buffer.alloc(0), random));
    assert.equal((await client.ask('db')).records.length, 1);
    assert.doesNotMatch(engine.log(), /the thread of the name servers ended/);
  });

  it('gets its resolv.conf from the next engine, if one was killed before it was written', async () => {
    await start('cut');
    await engine.restart({ TUG_CRASH_AT: 'network.change.applied' });
    const { ended } = engine;
    await engine.docker(['network', 'connect', 'front', 'cut']);
    assert.equal((await ended).signal, 'SIGKILL');
    await engine.restart({ TUG_CRASH_AT: undefined });
    assert.match(await inside('cut', 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m);
    await remove('cut');
  });

  it('answers again after the engine was killed, also what was asked meanwhile', async () => {
    using client = await nameClient(engine, 'web');
    assert.equal((await client.ask('db')).records.length, 1);
    await engine.kill();
    const asked = client.ask('db');
    await engine.restart();
    assert.equal((await asked).records.length, 1);
    await inside('web', 'sh', '-c', lookUp('db'));
  });
});
