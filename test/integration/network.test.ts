import assert from 'node:assert/strict';
import * as net from 'node:net';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { disagreements } from '../crash/invariants.ts';
import { serve } from '../helpers/answering.ts';
import { begin, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { freePort } from '../helpers/ports.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const field = async (name: string, format: string): Promise<string> =>
  (await engine.tug(['inspect', '-f', format, name])).stdout.trim();

/** What a connection to the host's port is answered. @throws when it is refused. */
async function ask(port: number, host = '127.0.0.1'): Promise<string> {
  const socket = net.connect({ port, host });
  try {
    return await text(socket);
  } finally {
    socket.destroy();
  }
}

for (const cli of commandLines) {
  const once = (...args: string[]) => engine[cli](['run', '--rm', ...args]);

  describe(`networks of ${cli} run`, () => {
    it('give an address on the bridge, and the way out', async () => {
      const bridge = engine.subnet.split('/')[0] ?? '';
      const script =
        'ip -o -4 addr show eth0 | tr -s " " | cut -d" " -f4; ip route; until ping -c1 -W5 $0 >/dev/null; do :; done; echo reached';
      const said = await once('busybox', 'sh', '-c', script, bridge);
      const prefix = bridge.replace(/\.1$/, '.');
      assert.match(
        said.stdout,
        new RegExp(`^${prefix}\\d+/24\\ndefault via ${bridge} dev eth0 *\\n.*reached\\n$`, 's'),
      );
    });

    it('can be none, or the host', async () => {
      const none = await once('--network', 'none', 'busybox', 'sh', '-c', 'ls /sys/class/net; ip route');
      assert.equal(none.stdout, 'lo\n');
      const host = await once(
        '--network',
        'host',
        'busybox',
        'sh',
        '-c',
        `ls -d /sys/class/net/${engine.bridge}; hostname`,
      );
      assert.equal(host.stdout, `/sys/class/net/${engine.bridge}\n${hostname()}\n`);
    });

    it('let containers reach each other by address, and know their own name', async () => {
      await serve(engine, cli, 'server');
      const address = await field('server', '{{.NetworkSettings.Networks.bridge.IPAddress}}');
      assert.equal((await once('busybox', 'nc', '-w', '100', address, '80')).stdout, 'answer from server\n');
      const hosts = await engine[cli]([
        'exec',
        'server',
        'sh',
        '-c',
        'grep -c "$(hostname)" /etc/hosts; cat /etc/hostname',
      ]);
      assert.match(hosts.stdout, /^1\n[0-9a-f]{12}\n$/);
      await engine.tug(['rm', '-f', 'server']);
    });

    it('publish ports on all addresses, on one, and on a free one', async () => {
      const port = await freePort();
      await serve(engine, cli, 'web', '-p', `${port}:80`);
      assert.equal(await ask(port), 'answer from web\n');
      assert.match(
        await field('web', '{{json .NetworkSettings.Ports}}'),
        new RegExp(`"80/tcp":\\[\\{"HostIp":"0.0.0.0","HostPort":"${port}"`),
      );
      const listed = (await engine[cli](['ps', '--format', '{{.Ports}}'])).stdout;
      assert.match(listed, new RegExp(`^0\\.0\\.0\\.0:${port}->80/tcp`));
      const taken = await once('--name', 'second', '-p', `${port}:80`, 'busybox', 'true');
      assert.equal(taken.code, 125);
      assert.match(
        taken.stderr,
        new RegExp(
          `Error response from daemon: driver failed programming external connectivity on endpoint second \\([0-9a-f]{64}\\): Bind for 0\\.0\\.0\\.0:${port} failed: port is already allocated`,
        ),
      );
      await engine.tug(['rm', '-f', 'web']);
      await assert.rejects(ask(port), { code: 'ECONNREFUSED' });
      await serve(engine, cli, 'free', '-p', '127.0.0.1::80');
      const free = Number(/"HostPort":"(\d+)"/.exec(await field('free', '{{json .NetworkSettings.Ports}}'))?.[1]);
      assert.equal(await ask(free), 'answer from free\n');
      await engine.tug(['rm', '-f', 'free']);
    });

    it('tell a port that a program of the host has', async () => {
      const port = await freePort();
      const server = net.createServer().listen(port, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const taken = await once('-p', `127.0.0.1:${port}:80`, 'busybox', 'true');
      await new Promise((resolve) => server.close(resolve));
      assert.equal(taken.code, 125);
      assert.match(taken.stderr, new RegExp(`Bind for 127\\.0\\.0\\.1:${port} failed: port is already allocated`));
      assert.equal((await once('-p', `127.0.0.1:${port}:80`, 'busybox', 'true')).code, 0);
    });

    it('are left as they are when they do not exist: the image is not pulled', async () => {
      const said = await engine[cli](['run', '--name', 'lost', '--network', 'nosuch', 'busybox']);
      assert.equal(said.code, 125);
      assert.match(said.stderr, /^(tug|docker): Error response from daemon: network nosuch not found\n/);
      assert.equal(await field('lost', '{{.State.Status}} {{.State.Error}}'), 'created network nosuch not found');
      await engine.tug(['rm', 'lost']);
    });
  });
}

describe('published ports', () => {
  it('answer while the engine is away, and are kept when it is back', async () => {
    const port = await freePort(); // none that another engine takes by itself once this one gave it back
    await serve(engine, 'tug', 'steady', '-p', `127.0.0.1:${port}:80`);
    await engine.kill();
    assert.equal(await ask(port), 'answer from steady\n');
    await engine.restart();
    assert.equal(await ask(port), 'answer from steady\n');
    using running = begin(engine, 'docker', ['run', '--rm', '-p', `127.0.0.1:${port}:80`, 'busybox', 'true']);
    assert.match((await running.ended).stderr, /port is already allocated/);
    await engine.tug(['rm', '-f', 'steady']);
    await assert.rejects(ask(port), { code: 'ECONNREFUSED' });
    assert.deepEqual(await disagreements(engine), []);
  });
});
