import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { classic, contextFolder, contextOf, useEngine } from '../helpers/build.ts';
import { begin, commandLines } from '../helpers/command-lines.ts';

describe('what a build asks its client for', () => {
  const { engine, base } = useEngine();

  const context = (name: string, Dockerfile: string): string => contextFolder(engine, name, Dockerfile);
  /** Bytes that the engine was sent as a build says it, and the rest of what it says. */
  const build = async (...args: string[]): Promise<{ sent: number; said: string }> => {
    const built = await engine.tug(['build', '--progress=rawjson', ...args]);
    assert.equal(built.code, 0, built.stderr);
    const statuses = built.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .flatMap((line) => (JSON.parse(line) as { statuses?: { id: string; current: number }[] }).statuses ?? []);
    const sent = statuses.findLast(({ id }) => id === 'transferring context')?.current ?? 0;
    return { sent, said: built.stderr };
  };

  it('is of a large folder only what changed', async () => {
    const folder = context(
      'large',
      `FROM ${base}\nCOPY . /files\nRUN cat /files/d1/f7 /files/soft && ls /files/d3 | wc -l > /count`,
    );
    for (const outer of [1, 2, 3]) {
      fs.mkdirSync(path.join(folder, `d${outer}`), { mode: 0o750 });
      for (let inner = 0; inner < 200; inner += 1)
        fs.writeFileSync(path.join(folder, `d${outer}/f${inner}`), `${outer} ${inner}\n`);
    }
    fs.symlinkSync('d2/f3', path.join(folder, 'soft'));
    fs.linkSync(path.join(folder, 'd2/f4'), path.join(folder, 'hard'));
    fs.writeFileSync(path.join(folder, 'big'), Buffer.alloc(3_000_000, 'big'));
    fs.writeFileSync(path.join(folder, 'secret'), 'never sent');
    fs.writeFileSync(path.join(folder, '.dockerignore'), 'secret\n');
    const first = await build('-t', 'large', folder);
    assert.ok(first.sent > 3_000_000, String(first.sent));
    assert.equal((await build(folder)).sent, 0);

    fs.writeFileSync(path.join(folder, 'd1/f7'), 'changed\n');
    fs.rmSync(path.join(folder, 'd3/f0'));
    const changed = await build('-t', 'changed', folder);
    assert.equal(changed.sent, 'changed\n'.length);
    const script =
      'cat /files/d1/f7 /files/soft /count; stat -c %a,%h /files/d1 /files/hard; wc -c < /files/big; ls -d /files/secret';
    const seen = await engine.tug(['run', '--rm', '--network=none', 'changed', 'sh', '-c', script]);
    assert.equal(seen.stdout, 'changed\n2 3\n199\n750,2\n644,2\n3000000\n');
    // as docker's client, which sends a tar of all of it, sees it
    const sentWhole = await engine.docker(['build', '-q', folder], classic);
    const id = (await engine.tug(['image', 'inspect', '-f', '{{.Id}}', 'changed'])).stdout;
    assert.equal(sentWhole.stdout, id);
  });

  it('is all of it with --compress, compressed, and of the client of Docker too', async () => {
    const folder = context('compressed', `FROM ${base}\nCOPY zeros /`);
    fs.writeFileSync(path.join(folder, 'zeros'), Buffer.alloc(5_000_000));
    fs.writeFileSync(path.join(folder, 'beside'), Buffer.alloc(1_000_000, 'beside'));
    await using counted = await countingSocket(engine.socket, path.join(engine.root, 'counted.sock'));
    const host = `unix://${path.join(engine.root, 'counted.sock')}`;
    const env = { TUG_HOST: host, DOCKER_HOST: host, DOCKER_BUILDKIT: '0' };
    const sentBy = async (client: 'tug' | 'docker', ...args: string[]): Promise<number> => {
      const before = counted.bytes();
      const built = await engine[client](['build', '--no-cache', '-t', `sent-by-${client}`, ...args, folder], { env });
      assert.equal(built.code, 0, built.stderr);
      return counted.bytes() - before;
    };
    const script = 'head -c 5000000 /dev/zero | cmp - /zeros && ls /zeros';
    for (const client of commandLines) {
      const plain = await sentBy(client);
      assert.ok(plain > (client === 'tug' ? 5_000_000 : 6_000_000), `${client}: ${plain}`);
      const compressed = await sentBy(client, '--compress');
      assert.ok(compressed > 1000 && compressed < 1_000_000, `${client}: ${compressed}`);
      const ran = await engine.tug(['run', '--rm', '--network=none', `sent-by-${client}`, 'sh', '-c', script]);
      assert.equal(ran.stdout, '/zeros\n', ran.stderr);
    }
  });

  it('is not compressed twice where it comes compressed on standard input', async () => {
    const tar = contextOf({ Dockerfile: 'FROM scratch\nCOPY file /', file: 'piped' });
    const ids = new Set<string>();
    for (const input of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
      const built = await engine.tug(['build', '-q', '--compress', '-'], { input });
      assert.equal(built.code, 0, built.stderr);
      ids.add(built.stdout);
    }
    assert.equal(ids.size, 1);
  });

  it('is put into a layer that shares with the one before what is the same, and is as if made anew', async () => {
    const folder = context('shared', `FROM ${base}\nCOPY . /files`);
    fs.writeFileSync(path.join(folder, 'Dockerfile.other'), `FROM ${base}\nCOPY ./ /files`);
    for (const outer of ['a', 'b', 'gone']) {
      fs.mkdirSync(path.join(folder, outer));
      for (let inner = 0; inner < 100; inner += 1)
        fs.writeFileSync(path.join(folder, outer, `f\u00e4${inner}`), `${outer} ${inner}\n`);
    }
    const epoch = ['--build-arg', 'SOURCE_DATE_EPOCH=4000000000'];
    await build(...epoch, '-t', 'shared', folder);
    fs.rmSync(path.join(folder, 'gone'), { recursive: true });
    fs.mkdirSync(path.join(folder, 'c'));
    fs.writeFileSync(path.join(folder, 'c/new'), 'new\n');
    fs.writeFileSync(path.join(folder, 'b/f\u00e47'), 'changed\n');
    fs.chmodSync(path.join(folder, 'b/f\u00e48'), 0o600);
    fs.chmodSync(path.join(folder, 'a'), 0o700);
    await build(...epoch, '-t', 'shared', folder);
    const script = 'cd /files; cat */*; stat -c "%n %a %h" a b/f*[678] c/new; ls -d gone; ls a | wc -l';
    const seen = await engine.tug(['run', '--rm', '--network=none', 'shared', 'sh', '-c', script]);
    const own = ['a', 'b', 'c'].flatMap((name) =>
      fs
        .readdirSync(path.join(folder, name), { encoding: 'latin1' })
        .sort()
        .map((file) => fs.readFileSync(Buffer.from(`${folder}/${name}/${file}`, 'latin1'), 'utf8')),
    );
    const looks = ['b/f\u00e46 644 2', 'b/f\u00e47 644 1', 'b/f\u00e48 600 1', 'c/new 644 1'];
    assert.ok(seen.stdout.startsWith(own.join('')), seen.stdout);
    for (const line of looks) assert.ok(seen.stdout.includes(`${line}\n`), seen.stdout);
    assert.match(seen.stdout, /^a 700 \d+$/m);
    assert.match(seen.stdout, /^100$/m);
    const layers = async (): Promise<string> =>
      (await engine.tug(['image', 'inspect', '-f', '{{json .RootFS.Layers}}', 'shared'])).stdout;
    const shared = await layers();
    await build(...epoch, '--no-cache', '-f', path.join(folder, 'Dockerfile.other'), '-t', 'shared', folder);
    assert.equal(await layers(), shared);
  });

  it('is also of further contexts only what changed, and survives an engine that restarted', async () => {
    const other = context('other', 'FROM scratch');
    for (let number = 0; number < 600; number += 1) fs.writeFileSync(path.join(other, `f${number}`), 'x');
    const folder = context('uses', 'FROM scratch\nCOPY --from=more f1 f599 /');
    await build('--build-context', `more=${other}`, folder);
    await engine.restart();
    const again = await build('--build-context', `more=${other}`, folder);
    assert.match(again.said, /"cached":true/);
  });

  /** Answers every connection with its number and what it was sent, and ends. */
  const startAgent = async (file: string): Promise<AsyncDisposable & { connections(): number }> => {
    let connections = 0;
    const server = net.createServer((socket) => {
      connections += 1;
      socket.on('error', () => {});
      socket.once('data', (data) => socket.end(`agent heard ${data}`));
    });
    await new Promise<void>((resolve) => void server.listen(file, resolve));
    return {
      connections: () => connections,
      [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))),
    };
  };
  it('are ssh agents, behind a socket that is in no layer', async () => {
    const socket = path.join(engine.root, 'agent');
    await using agent = await startAgent(socket);
    const wait = 'until test -e /meet/heard; do sleep 0.1; done';
    const mounts = '--mount=type=ssh,required,mode=0640,uid=7 --mount=type=cache,id=meet,target=/meet';
    const look = 'test -S "$SSH_AUTH_SOCK" && stat -c %a,%u "$SSH_AUTH_SOCK" && echo at $SSH_AUTH_SOCK';
    const folder = context('agents', `FROM ${base}\nRUN ${mounts} ${look} && ${wait}`);
    using running = begin(engine, 'tug', [
      ...['build', '--progress=plain', '-t', 'agents', '--ssh', `default=${socket}`, folder],
    ]);
    await running.said(' at /run/buildkit/ssh_agent.0\n');
    // what the step sees, from this side of it: no program of the image can speak to a socket
    const [offered = ''] = fs.globSync(path.join(engine.execRoot, 'builder/*/agent-*'));
    assert.equal(await ask(offered, 'hello'), 'agent heard hello');
    assert.equal(await ask(offered, 'again'), 'agent heard again');
    assert.equal(agent.connections(), 2);
    const [meeting = ''] = fs.globSync(path.join(engine.dataRoot, 'builder/mounts/*/'));
    fs.writeFileSync(path.join(meeting, 'heard'), '');
    const outcome = await running.ended;
    assert.equal(outcome.code, 0);
    assert.match(outcome.stderr, / 640,7\n/);
    assert.deepEqual(fs.globSync(path.join(engine.execRoot, 'builder/*')), []);
    const seen = await engine.tug([
      'run',
      '--rm',
      '--network=none',
      'agents',
      'sh',
      '-c',
      'ls -A /run; echo "$SSH_AUTH_SOCK"',
    ]);
    assert.equal(seen.stdout, '\n');
  });

  /** Says something to a socket, whose path may be too long for one, and returns the answer. */
  const ask = async (file: string, text: string): Promise<string> => {
    const folder = fs.openSync(path.dirname(file), 'r');
    try {
      const client = net.connect(`/proc/self/fd/${folder}/${path.basename(file)}`);
      client.end(text);
      let heard = '';
      for await (const chunk of client) heard += chunk;
      return heard;
    } finally {
      fs.closeSync(folder);
    }
  };

  it('is refused by name where it is not there', async () => {
    const folder = context('asking', `FROM ${base}\nRUN --mount=type=ssh,required true`);
    for (const cli of commandLines) {
      const built = await engine[cli](['build', folder], classic);
      assert.notEqual(built.code, 0);
      assert.match(built.stderr, /type=ssh: no agent default/);
    }
    const plain = path.join(folder, 'Dockerfile');
    for (const [ssh, error] of [
      [`x=${plain}`, /is no socket of an agent/],
      ['x=/not/there', /is not there/],
      ['default', /SSH_AUTH_SOCK is not set/],
    ] as const) {
      const built = await engine.tug(['build', '--ssh', ssh, folder], { env: { SSH_AUTH_SOCK: undefined } });
      assert.notEqual(built.code, 0);
      assert.match(built.stderr, error);
    }
    for (const [query, error] of [
      ['id=1', /16 to 64/],
      ['id=0123456789abcdef&offers=5', /offers/],
    ] as const) {
      const answer = await engine.api('POST', `/build/client?${query}`);
      assert.equal(answer.status, 400);
      assert.match(answer.text, error);
    }
    assert.match((await engine.api('POST', '/build?session=0123456789abcdef')).text, /its client is gone/);
  });
});

/** A socket that passes all on to another one, and counts what clients send. */
async function countingSocket(target: string, file: string): Promise<AsyncDisposable & { bytes(): number }> {
  let bytes = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const engine = net.connect({ path: target, allowHalfOpen: true });
    for (const [one, other] of [
      [client, engine],
      [engine, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroySoon()); // with what was still to be passed on
      one.pipe(other);
    }
    client.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
  });
  server.listen(file);
  await once(server, 'listening');
  return {
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
