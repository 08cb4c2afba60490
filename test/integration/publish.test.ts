import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { engineNames } from '../../src/networks/engine-names.ts';
import { serve } from '../helpers/answering.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { logged } from '../helpers/engine-log.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

/** Five numbers below those that the kernel gives to anybody, of this process alone. */
const base = 11_000 + (process.pid % 1_700) * 5;

/** What a connection to the host is answered. */
const ask = (host: string, port: number): Promise<string> => text(net.connect({ host, port }));

const portsOf = async (name: string): Promise<Record<string, { HostIp: string; HostPort: string }[]>> =>
  JSON.parse((await engine.tug(['inspect', '-f', '{{json .NetworkSettings.Ports}}', name])).stdout);

async function refusedBind(port: number, host: string): Promise<string | undefined> {
  const server = net.createServer().listen(port, host);
  const [error] = (await Promise.race([once(server, 'error'), once(server, 'listening')])) as [NodeJS.ErrnoException?];
  server.close();
  return error?.code;
}

for (const cli of commandLines) {
  describe(`ports published by ${cli} run`, () => {
    it('are on both families where no address is named, and on the named one alone', async () => {
      const [one, two] = [base, base + 1];
      await serve(engine, cli, 'web', '-p', `${one}:80`, '-p', `[::1]:${two}:80`, '-p', '127.0.0.1::80', '-p', '81');
      const ports = await portsOf('web');
      const at = (HostIp: string, port: number) => ({ HostIp, HostPort: String(port) });
      assert.deepEqual(
        ports['80/tcp']
          ?.filter(({ HostIp }) => HostIp !== '127.0.0.1')
          .toSorted((a, b) => (a.HostIp < b.HostIp ? -1 : 1)),
        [at('0.0.0.0', one), at('::', one), at('::1', two)],
      );
      const [first, second] = ports['81/tcp'] ?? [];
      assert.deepEqual([first?.HostIp, second?.HostIp], ['0.0.0.0', '::']);
      assert.equal(first?.HostPort, second?.HostPort);
      for (const host of ['127.0.0.1', '::1']) assert.equal(await ask(host, one), 'answer from web\n');
      assert.equal(await ask('::1', two), 'answer from web\n');
      await assert.rejects(text(net.connect({ host: '127.0.0.1', port: two })), { code: 'ECONNREFUSED' });
      await engine.tug(['rm', '-f', 'web']);
    });

    it('may be ranges, and all that the image exposes', async () => {
      const range = `${base}-${base + 2}`;
      const { code, stderr } = await engine[cli]([
        ...['run', '-d', '--name', 'many', '-p', `127.0.0.1:${range}:7000-7002/udp`, '-p', `127.0.0.1:${range}:80`],
        ...['-P', '--expose', '90-91', 'busybox', 'sleep', '1000'],
      ]);
      assert.equal(code, 0, stderr);
      const ports = await portsOf('many');
      const numbers = [7000, 7001, 7002].map((port) => ports[`${port}/udp`]?.[0]?.HostPort);
      assert.deepEqual(numbers, [base, base + 1, base + 2].map(String));
      assert.equal(ports['80/tcp']?.[0]?.HostPort, String(base));
      for (const port of ['90/tcp', '91/tcp']) assert.equal(ports[port]?.length, 2);
      await engine.tug(['rm', '-f', 'many']);
    });

    it('are refused with who has them, and in docker’s words for what is none', async () => {
      await engine[cli](['run', '-d', '--name', 'first', '-p', `${base}:80`, 'busybox', 'sleep', '1000']);
      const taken = await engine[cli](['run', '--rm', '-p', `${base}:80`, 'busybox', 'true']);
      assert.equal(taken.code, 125);
      assert.match(taken.stderr, /:\d+ failed: port is already allocated \(by container first\)/);
      await engine.tug(['rm', '-f', 'first']);
      for (const [given, words] of [
        ['x', /invalid containerPort: x/],
        ['70000:80', /invalid hostPort: 70000/],
        ['1.2.3:80:80', /invalid IP address: 1\.2\.3/],
        ['203.0.113.7::80', /203\.0\.113\.7:\d+ failed: cannot assign requested address/],
      ] as const) {
        const { code, stderr } = await engine[cli](['run', '--rm', '-p', given, 'busybox', 'true']);
        assert.equal(code, 125, stderr);
        assert.match(stderr, words);
      }
    });
  });
}

describe('a published port', () => {
  it('is refused with the process of the host that has it', async () => {
    const server = net.createServer().listen(base, '127.0.0.1');
    await once(server, 'listening');
    const { code, stderr } = await engine.tug(['run', '--rm', '-p', `127.0.0.1:${base}:80`, 'busybox', 'true']);
    server.close();
    assert.equal(code, 125);
    assert.match(stderr, new RegExp(`port is already allocated \\(by \\S+, process ${process.pid}\\)`));
  });

  it('is held and reached again after the engine was killed, and its rules are those of before', async () => {
    await serve(engine, 'tug', 'kept', '-p', `${base}:80`);
    const rules = await rulesOf(engine);
    await engine.kill();
    await engine.restart();
    assert.deepEqual(await rulesOf(engine), rules);
    for (const host of ['127.0.0.1', '::1']) {
      assert.equal(await refusedBind(base, host), 'EADDRINUSE');
      assert.equal(await ask(host, base), 'answer from kept\n');
    }
  });

  it('is reached again where its rules were flushed, with no change at the engine, which tug doctor tells', async () => {
    const before = await rulesOf(engine);
    assert.match(
      (await engine.tug(['doctor'])).stdout,
      /rules +the engine has added: table inet tug-[0-9a-f]+: \d+ rules/,
    );
    const said = engine.log().length;
    await runChecked('nft', ['flush', 'table', 'inet', await tableOf(engine)]);
    await logged(engine, /rules were changed from outside/, said);
    assert.match((await engine.tug(['doctor'])).stdout, /✔ rules/);
    assert.deepEqual(await rulesOf(engine), before);
    assert.equal(await ask('127.0.0.1', base), 'answer from kept\n');
    await engine.tug(['rm', '-f', 'kept']);
  });
});

describe('a container', () => {
  it('may be kept from sending to elsewhere, as long as it runs and after the engine was killed', async () => {
    const rule = ['--egress', 'allow=203.0.113.0/24,deny=all'];
    const { code, stderr } = await engine.tug(['run', '-d', '--name', 'held', ...rule, 'busybox', 'sleep', '1000']);
    assert.equal(code, 0, stderr);
    const asked = (await engine.tug(['inspect', '-f', '{{json .HostConfig.Egress}}', 'held'])).stdout;
    assert.equal(asked, `["${rule[1]}"]\n`);
    const gateway = engine.subnet.split('/')[0] ?? '';
    const reaches = async (ip: string) => (await engine.tug(['exec', 'held', 'ping', '-c1', '-W1', ip])).code;
    const format = '{{.NetworkSettings.Networks.bridge.IPAddress}}';
    await engine.tug(['run', '-d', '--name', 'beside', 'busybox', 'sleep', '1000']);
    const beside = (await engine.tug(['inspect', '-f', format, 'beside'])).stdout.trim();
    const all = async () => Promise.all([gateway, beside].map(reaches));
    assert.deepEqual(await all(), [1, 1]);
    await engine.kill();
    await engine.restart();
    assert.deepEqual(await all(), [1, 1]);
    const said = engine.log().length;
    await runChecked('nft', ['delete', 'table', 'bridge', await tableOf(engine)]);
    await logged(engine, /rules were changed from outside/, said);
    assert.match((await engine.tug(['doctor'])).stdout, /✔ rules +.*table bridge/);
    assert.deepEqual(await all(), [1, 1]);
    assert.match((await rulesOf(engine)).join('\n'), /ip daddr 203\.0\.113\.0\/24 return/);
    await engine.tug(['rm', '-f', 'held', 'beside']);
    assert.doesNotMatch((await rulesOf(engine)).join('\n'), /203\.0\.113/);
  });

  it('is not made with rules that are none, or that nobody could hold it to', async () => {
    for (const [args, words] of [
      [['--egress', 'allow=here'], /bad format for egress/],
      [['--network', 'host', '--egress', 'deny=all'], /conflicting options: --egress and the network mode host/],
    ] as const) {
      const { code, stderr } = await engine.tug(['create', ...args, 'busybox']);
      assert.notEqual(code, 0);
      assert.match(stderr, words);
    }
    const HostConfig = { Egress: ['allow=here'] };
    assert.equal((await engine.api('POST', '/containers/create', { Image: 'busybox', HostConfig })).status, 400);
  });
});

const tableOf = async ({ api }: TestEngine): Promise<string> =>
  engineNames((await api('GET', '/info')).json<{ ID: string }>().ID).table;

/** The engine's table, without the port of its relay, which is another after each start; elements of a set have no order. */
async function rulesOf(one: TestEngine): Promise<string[]> {
  const listed = await runChecked('nft', ['-s', 'list', 'table', 'inet', await tableOf(one)]);
  const [, relay = 'none'] = /redirect to :(\d+)/.exec(listed) ?? [];
  return listed
    .replaceAll(relay, 'RELAY')
    .split(/[\n,]/)
    .map((line) => line.trim())
    .sort();
}
