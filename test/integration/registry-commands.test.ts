import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { mediaTypes } from '../../src/api/oci/image.ts';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { pastEvents } from '../helpers/events.ts';
import { type FakeIndex, startFakeIndex } from '../helpers/fake-index.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { json, makeImage } from '../helpers/image-layout.ts';
import { openAll } from '../helpers/open-all.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

// tug's and Docker's command lines on the same engine, against Debian's docker-registry.

let engine: TestEngine;
let open: TestRegistry;
let closed: TestRegistry;
let image: string;

before(async () => {
  [engine, open, closed] = await openAll(startEngine(), startRegistry(), startRegistry({ login: true }));
  image = await starterImage(engine);
});
after(() => Promise.all([engine, open, closed].map((one) => one?.[Symbol.asyncDispose]())));

const clients = ['docker', 'tug'] as const;
const run = (client: 'docker' | 'tug', args: readonly string[], input?: string) =>
  engine[client](args, input === undefined ? {} : { input });
const good = async (client: 'docker' | 'tug', args: readonly string[], input?: string) => {
  const result = await run(client, args, input);
  assert.equal(result.code, 0, `${client} ${args.join(' ')}: ${result.stderr}`);
  return result;
};
/** What both clients print is the same. */
async function same(args: readonly string[], status = 0): Promise<string> {
  const [theirs, ours] = [await run('docker', args), await run('tug', args)];
  assert.deepEqual(ours, theirs, args.join(' '));
  assert.equal(ours.code, status, ours.stderr);
  return ours.stdout + ours.stderr;
}
const configFile = () => path.join(engine.root, 'client/config.json');

describe('push and pull -a', () => {
  it('print the same with both clients, and skopeo reads what is there', async () => {
    const name = `${open.host}/team/app`;
    for (const tag of ['v1', 'v2']) await good('tug', ['tag', image, `${name}:${tag}`]);
    const first = await good('tug', ['push', `${name}:v1`]);
    assert.match(
      first.stdout,
      /^The push refers to repository \[.*\]\n\w{12}: Preparing\n\w{12}: Pushed\nv1: digest: sha256:\w{64} size: \d+\n$/,
    );
    await same(['push', `${name}:v1`]);
    await same(['push', '-a', name]);
    await same(['push', '-q', '--all-tags', name]);
    const arm = await run('tug', ['image', 'push', '--platform', 'linux/arm64', `${name}:v1`]);
    assert.equal(
      arm.stderr,
      (await run('docker', ['image', 'push', '--platform', 'linux/arm64', `${name}:v1`])).stderr,
    );
    assert.match(arm.stderr, /does not match the specified platform/);
    await same(['push', name], 1);
    await same(['push', '-a', `${name}:v1`], 1);
    await same(['push', `${open.host}/none:v1`], 1);
    const digest = /v1: digest: (\S+)/.exec(first.stdout)?.[1] ?? '';
    await same(['push', `${name}@${digest}`], 1);
    assert.match(await same(['images', '--digests', '--format', '{{.Digest}}', name]), new RegExp(digest));
    const flags = ['--tls-verify=false', '--format', '{{.Digest}}'];
    assert.equal((await runChecked('skopeo', ['inspect', ...flags, `docker://${name}:v2`])).trim(), digest);

    await good('tug', ['rmi', `${name}:v1`, `${name}:v2`]);
    const pulled = await good('docker', ['pull', '-a', name]);
    assert.match(pulled.stdout, /v1: Pulling from team\/app\n[\s\S]*v2: Pulling from team\/app\n/);
    assert.match(pulled.stdout, new RegExp(`Status: Downloaded newer image for ${name}\n${name}\n$`));
    assert.match(await same(['pull', '-a', name]), /Status: Image is up to date/);
    await same(['pull', '-qa', name]);
    await same(['pull', '-a', `${open.host}/none`], 1);
    await same(['pull', '-a', `${name}:v1`], 1);
    const actors = (await pastEvents(engine, 0, { event: ['push'] })).map(({ Actor }) => Actor.ID);
    assert.ok(actors.includes(`${name}:v1`) && actors.includes(`${name}:v2`), actors.join());
  });

  it('send what was committed on top of what was pulled, and it runs', async () => {
    const base = `${open.host}/base:v1`;
    const made = `${open.host}/made:v1`;
    await good('tug', ['tag', image, base]);
    await good('tug', ['push', base]);
    await good('tug', ['rmi', base]);
    await good('tug', ['pull', base]);
    await good('tug', ['run', '--name', 'maker', base, 'sh', '-c', 'echo hello > /made']);
    await good('tug', ['commit', 'maker', made]);
    await good('tug', ['rm', 'maker']);
    const pushed = await good('docker', ['push', made]);
    assert.match(pushed.stdout, /: Mounted from base\n/);
    assert.match(pushed.stdout, /: Pushed\n/);
    const raw = await runChecked('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${made}`]);
    const { layers } = JSON.parse(raw) as { layers: { mediaType: string }[] };
    assert.deepEqual(new Set(layers.map(({ mediaType }) => mediaType)), new Set([mediaTypes.ociLayerGzip]));
    await good('tug', ['rmi', made]);
    await good('tug', ['pull', made]);
    assert.equal((await good('tug', ['run', '--rm', made, 'cat', '/made'])).stdout, 'hello\n');
    await good('tug', ['rmi', made, base]);
  });

  it('leaves tags that are no images for this host out, and says so', async () => {
    await using registry: FaultyRegistry = await startFaultyRegistry();
    registry.serve('v1', makeImage([Buffer.alloc(1024)]));
    const manifests = [{ ...makeImage([]).manifest, platform: { os: 'windows', architecture: 'amd64' } }];
    registry.serveManifest(
      'win',
      mediaTypes.ociIndex,
      json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }),
    );
    registry.fault = ({ path: asked }) =>
      asked.endsWith('/tags/list') ? { status: 200, body: '{"tags":["win","v1"]}' } : undefined;
    const { stdout } = await good('tug', ['pull', '-a', `${registry.host}/app`]);
    assert.match(stdout, /\nwin: skipped: no matching manifest for linux\/amd64/);
    assert.match(stdout, /Status: Downloaded newer image for/);
  });
});

describe('login and logout', () => {
  it('work with each client, and what one logs in to the other pushes to', async () => {
    const name = `${closed.host}/app`;
    await good('tug', ['tag', image, name]);
    for (const [one, other] of [clients, clients.toReversed()] as ['docker' | 'tug', 'docker' | 'tug'][]) {
      assert.match((await run(one, ['push', name])).stderr, /^no basic auth credentials/);
      const wrong = await run(one, ['login', '-u', 'tester', '-p', 'wrong', closed.host]);
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /^WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n/);
      assert.match(
        wrong.stderr,
        /Error response from daemon: login attempt to .* failed with status: 401 Unauthorized/,
      );
      const right = await good(one, ['login', '-u', 'tester', '--password-stdin', closed.host], 'secret\n');
      assert.equal(right.stdout.trim(), 'Login Succeeded');
      assert.match(
        right.stderr,
        /^\nWARNING! Your credentials are stored unencrypted in '.*config.json'.\nConfigure a cred/,
      );
      assert.match(
        (await good(other, ['login', closed.host])).stderr,
        /^Authenticating with existing credentials\.\.\. \[Username: tester\]/,
      );
      await good(other, ['push', name]);
      await good(other, ['rmi', name]);
      await good(other, ['pull', name]);
      await good(other, ['rmi', name]);
      const ran = await good(other, ['run', '--rm', '--pull', 'always', '-q', name, 'echo', 'works']);
      assert.equal(ran.stdout, 'works\n');
      await good(other, ['logout', closed.host]);
      assert.deepEqual(JSON.parse(fs.readFileSync(configFile(), 'utf8')), { auths: {} });
    }
  });

  it('refuse alike what cannot be', async () => {
    await same(['login', '-u', 'x', '-p', 'y', '--password-stdin', closed.host], 1);
    await same(['login', '--password-stdin', closed.host], 1);
    await same(['login', '-u', '', closed.host], 1);
    await same(['login', closed.host], 1);
    await same(['login', '-u', 'x', closed.host], 1);
    await same(['logout', 'nowhere.test:5000']);
    await same(['logout']);
  });

  it('say when the kept password is no longer taken', async () => {
    const auth = Buffer.from('tester:old').toString('base64');
    fs.writeFileSync(configFile(), JSON.stringify({ auths: { [closed.host]: { auth } } }));
    const { code, stderr } = await run('tug', ['login', closed.host]);
    assert.equal(code, 1);
    assert.match(stderr, /Login did not succeed, error: Error response from daemon: login attempt/);
    assert.match(stderr, /Cannot perform an interactive login from a non TTY device/);
    fs.rmSync(configFile());
  });

  it('asks at a terminal, and shows no password', async () => {
    const child = spawn('script', ['-qec', `${path.resolve('bin/tug')} login ${closed.host}`, '/dev/null'], {
      env: engine.clientEnv() as NodeJS.ProcessEnv,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (said.endsWith('Username: ')) child.stdin.write('tester\n');
      if (said.endsWith('Password: ')) child.stdin.write('wronx\u007f\u007f\u0015secrex\u007ft\n');
    }
    assert.equal(await ended, 0, said);
    assert.match(said, /Login Succeeded/);
    assert.ok(!said.includes('secre') && !said.includes('wro'), said);
    await good('tug', ['logout', closed.host]);
  });

  it('uses a credential helper, and goes on without one that fails where no login is needed', async () => {
    const folder = path.join(engine.root, 'client');
    const kept = path.join(folder, 'kept');
    const script = `#!/bin/sh\ncase $1 in store) cat > ${kept};; get) cat ${kept};; erase) rm ${kept};; esac\n`;
    fs.writeFileSync(path.join(folder, 'docker-credential-fake'), script, { mode: 0o755 });
    const env = { ...engine.clientEnv(), PATH: `${folder}:${process.env['PATH']}` };
    fs.writeFileSync(configFile(), '{"credsStore":"fake"}');
    const login = await engine.tug(['login', '-u', 'tester', '--password-stdin', closed.host], {
      env,
      input: 'secret',
    });
    assert.deepEqual([login.code, login.stdout, login.stderr], [0, 'Login Succeeded\n', '']);
    assert.ok(!fs.readFileSync(configFile(), 'utf8').includes('auth"'));
    await good('tug', ['tag', image, `${closed.host}/helped`]);
    for (const client of clients)
      assert.equal((await engine[client](['push', `${closed.host}/helped`], { env })).code, 0);
    assert.equal((await engine.docker(['logout', closed.host], { env })).code, 0);
    assert.equal(fs.existsSync(kept), false);

    fs.rmSync(configFile());
    await good('tug', ['tag', image, `${open.host}/for-all`]);
    await good('tug', ['push', `${open.host}/for-all`]);
    fs.writeFileSync(configFile(), '{"credsStore":"absent"}');
    const pulled = await engine.tug(['pull', '-q', `${open.host}/for-all`]);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(
      pulled.stderr,
      /^WARNING: error getting credentials - docker-credential-absent: .*: going on without a login\n$/,
    );
    fs.rmSync(configFile());
  });
});

describe('search', () => {
  it('prints the same with both clients', async () => {
    const long = `${'a long description '.repeat(5)}\nwith a second line`;
    await using index: FakeIndex = await startFakeIndex([
      { name: 'u/busybox', description: long, star_count: 2 },
      { name: 'busybox', description: 'Small', star_count: 3000, is_official: true },
      { name: 'busybox-x', description: null, star_count: 7 },
    ]);
    const term = `${index.host}/busybox`;
    assert.match(
      await same(['search', term]),
      /^NAME +DESCRIPTION +STARS +OFFICIAL\nu\/busybox +a long [\s\S]*\nbusybox +Small +3000 +\[OK\]\n/,
    );
    await same(['search', '--no-trunc', term]);
    await same(['search', '--limit', '2', term]);
    await same(['search', '--limit', '101', term], 1);
    await same(['search', '--filter', 'is-official=true', term]);
    await same(['search', '-f', 'stars=5', '-f', 'is-official=false', term]);
    await same(['search', '-f', 'colour=red', term], 1);
    await same(['search', '--format', 'json', term]);
    await same(['search', '--format', '{{.Name}}: {{.StarCount}} {{.IsOfficial}}', term]);
    await same(['search', '--format', 'table {{.Name}}\t{{.Description}}', term]);
    await same(['search', `${open.host}/busybox`], 1);
  });
});

describe('manifests in a registry', () => {
  it('are shown as Docker shows them, of an image and of an index', async () => {
    await using registry = await startFaultyRegistry();
    const one = makeImage([Buffer.alloc(1024)]);
    const two = makeImage([Buffer.alloc(2048)], {
      platform: { os: 'linux', architecture: 'arm64' },
      layerType: mediaTypes.dockerLayerGzip,
      manifest: { mediaType: mediaTypes.dockerManifest },
    });
    registry.serve('one', one);
    registry.serve('two', two);
    const entry = (of: typeof one, architecture: string) => ({
      ...of.manifest,
      platform: { architecture, os: 'linux' },
    });
    const list = {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerList,
      manifests: [entry(two, 'arm64'), entry(one, 'amd64')],
    };
    registry.serveManifest('list', mediaTypes.dockerList, json(list));
    for (const tag of ['one', 'two', 'list']) {
      for (const flags of [[], ['-v']]) {
        const args = ['manifest', 'inspect', '--insecure', ...flags, `${registry.host}/app:${tag}`];
        const [theirs, ours] = [await good('docker', args), await good('tug', args)];
        assert.deepEqual(JSON.parse(ours.stdout), JSON.parse(theirs.stdout), args.join(' '));
        if (tag !== 'list') assert.equal(ours.stdout, theirs.stdout);
      }
    }
    const { stderr } = await run('tug', ['manifest', 'inspect', `${registry.host}/app:none`]);
    assert.match(stderr, /manifest for .*app:none not found/);
    const inspect = await engine.api('GET', `/distribution/${registry.host}/app:list/json`);
    const platforms = inspect.json<{ Platforms: { architecture: string }[] }>().Platforms;
    assert.deepEqual(
      platforms.map(({ architecture }) => architecture),
      ['arm64', 'amd64'],
    );
  });
});

describe('the engine’s configuration', () => {
  it('names mirrors of any registry, which are asked first and may fail', async () => {
    await using mirror = await startFaultyRegistry();
    const one = makeImage([Buffer.alloc(1024)]);
    mirror.serve('v1', one);
    const config = path.join(engine.root, 'mirrors.json');
    const registries = { '127.0.0.1:2': { mirrors: ['http://127.0.0.1:1', `http://${mirror.host}/proxy`] } };
    fs.writeFileSync(config, JSON.stringify({ registries, 'max-concurrent-uploads': 2 }));
    await using mirrored = await startEngine({ args: ['--config-file', config] });
    const info = (await mirrored.api('GET', '/info')).json<{
      RegistryConfig: { IndexConfigs: Record<string, { Mirrors: string[]; Secure: boolean }> };
    }>();
    const { Mirrors, Secure } = info.RegistryConfig.IndexConfigs['127.0.0.1:2'] ?? {};
    assert.deepEqual([Mirrors, Secure], [registries['127.0.0.1:2'].mirrors, true]);
    const pulled = await mirrored.tug(['pull', '127.0.0.1:2/team/app:v1']);
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.match(pulled.stdout, new RegExp(`Digest: ${one.manifest.digest}`));
    assert.ok(mirror.requests.some((request) => request.path === '/v2/proxy/team/app/manifests/v1'));
    assert.match(mirrored.log(), /a registry mirror does not serve an image/);
    const missing = await mirrored.tug(['pull', '127.0.0.1:2/team/app:none']);
    assert.match(missing.stderr, /registry 127\.0\.0\.1:2: connection refused/);
  });
});
