import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let image: string;

describe('options of docker', () => {
  before(async () => {
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(async () => await engine[Symbol.asyncDispose]());

  it('that are for Windows are refused in the words of docker', async () => {
    for (const verb of ['create', 'run'])
      for (const given of [
        ['--cpu-count', '1'],
        ['--cpu-percent', '5'],
        ['--io-maxbandwidth', '1m'],
        ['--io-maxiops', '7', '--cpu-count', '1'],
      ]) {
        const mine = await engine.tug([verb, ...given, image, 'true']);
        const theirs = await engine.docker([verb, ...given, image, 'true']);
        assert.deepEqual([mine.code, mine.stderr], [theirs.code, theirs.stderr]);
      }
  });

  it('that cannot be honoured are refused with a sentence, and nothing is made', async () => {
    const refused = async (args: readonly string[], words: RegExp) => {
      const { code, stdout, stderr } = await engine.tug(args);
      assert.deepEqual([args, code !== 0, stdout, words.test(stderr) || stderr], [args, true, '', true]);
    };
    await refused(
      ['create', '--kernel-memory', '64m', image],
      /--kernel-memory: Linux limits kernel memory with --memory/,
    );
    const asked = await engine.api('POST', '/containers/create', {
      Image: image,
      HostConfig: { KernelMemory: 2 ** 26 },
    });
    assert.deepEqual([asked.status, asked.text.includes('a limit on kernel memory: not available')], [400, true]);
    await refused(['run', '--disable-content-trust=false', image], /Content Trust is not supported/);
    await engine.tug(['create', '--name', 'box', '--disable-content-trust', image, 'true']);
    await refused(['start', '--checkpoint', 'x', 'box', 'box'], /cannot restore multiple containers at once/);
    assert.equal((await engine.tug(['ps', '-aq'])).stdout.trim().split('\n').length, 1);
  });
});

describe('--use-api-socket', () => {
  before(async () => {
    engine = await startEngine();
    image = await starterImage(engine);
    const auth = Buffer.from('ann:secret').toString('base64');
    const folder = path.join(engine.root, 'client');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ auths: { 'registry.example.com': { auth } } }));
  });
  after(async () => await engine[Symbol.asyncDispose]());

  for (const cli of commandLines) {
    it(`gives a container of ${cli} the engine's socket and the user's logins`, async () => {
      const look =
        'test -S /var/run/docker.sock && stat -c %a $DOCKER_CONFIG/config.json && cat $DOCKER_CONFIG/config.json';
      const { code, stdout, stderr } = await engine[cli](['run', '--rm', '--use-api-socket', image, 'sh', '-c', look]);
      assert.deepEqual([code, stderr], [0, '']);
      const [mode, ...lines] = stdout.split('\n');
      const { auths } = JSON.parse(lines.join('\n')) as { auths: Record<string, { auth?: string }> };
      assert.deepEqual([mode, Object.keys(auths)], ['600', ['registry.example.com']]);
      assert.ok(JSON.stringify(auths).includes(Buffer.from('ann:secret').toString('base64')));
    });
  }

  it('puts no logins where the container has a configuration of its own', async () => {
    const args = ['run', '--rm', '--use-api-socket', '-e', 'DOCKER_CONFIG=/own', image, 'sh', '-c', 'ls /run/secrets'];
    assert.notEqual((await engine.tug(args)).code, 0);
  });
});

describe('--log-level', () => {
  it('debug prints the requests, other levels do not, and nonsense is refused', async () => {
    await using own = await startEngine();
    const debug = await own.tug(['-l', 'debug', 'ps', '-q']);
    assert.match(debug.stderr, /^level=debug msg="GET \/v[\d.]+\/containers\/json" status=200 took=[\d.]+ms\n$/);
    assert.equal((await own.tug(['--log-level', 'fatal', 'ps', '-q'])).stderr, '');
    const mine = await own.tug(['-l', 'loud', 'ps']);
    const theirs = await own.docker(['-l', 'loud', 'ps']);
    assert.deepEqual([mine.code, mine.stderr], [theirs.code, theirs.stderr]);
  });
});
