import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { mediaTypes } from '../../src/api/oci/image.ts';
import { tarOf } from '../../src/images/testing/tar.ts';
import type { commandLines } from '../helpers/command-lines.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { digestOf, makeImage, pushImage } from '../helpers/image-layout.ts';
import { openAll } from '../helpers/open-all.ts';
import { putImage } from '../helpers/put-image.ts';
import { startRegistry, type TestRegistry } from '../helpers/registry.ts';

// Local lists, which tug's and Docker's command lines share, and Debian's docker-registry.

let engine: TestEngine;
let registry: TestRegistry;
let host: string;
const intel = makeImage([tarOf({ name: 'a', content: 'a' })]);
const arm = makeImage([tarOf({ name: 'b', content: 'b' })], {
  platform: { os: 'linux', architecture: 'arm64' },
  config: { variant: 'v8', 'os.version': '6.1' },
  layerType: mediaTypes.dockerLayerGzip,
  manifest: { mediaType: mediaTypes.dockerManifest },
});

before(async () => {
  [engine, registry] = await openAll(startEngine(), startRegistry());
  host = registry.host;
  await putImage(intel, host, 'app', 'amd64');
  await putImage(arm, host, 'other', 'arm64');
});
after(() => Promise.all([engine, registry].map((one) => one?.[Symbol.asyncDispose]())));

type Client = (typeof commandLines)[number];
const manifest = (client: Client, ...args: string[]) => engine[client](['manifest', ...args]);
const good = async (client: Client, ...args: string[]) => {
  const result = await manifest(client, ...args);
  assert.equal(result.code, 0, `${client} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
};
/** Both clients print the same for the same words, in which `%` is a list of each one's own. */
async function same(status: number, ...args: string[]): Promise<string> {
  const outcome = async (client: Client) => {
    const { code, stdout, stderr } = await manifest(
      client,
      ...args.map((word) => word.replaceAll('%', `by-${client}`)),
    );
    const plain = (text: string) => text.replaceAll(`by-${client}`, '%');
    return { code, stdout: plain(stdout), stderr: plain(stderr) };
  };
  const [theirs, ours] = [await outcome('docker'), await outcome('tug')];
  assert.deepEqual(ours, theirs, args.join(' '));
  assert.equal(ours.code, status, ours.stderr);
  return ours.stdout + ours.stderr;
}
const folders = () => fs.readdirSync(path.join(engine.root, 'client/manifests')).toSorted();
const remote = async (repository: string, tag: string) => {
  const accept = [mediaTypes.ociIndex, mediaTypes.dockerList, mediaTypes.dockerManifest].join(', ');
  const response = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, { headers: { accept } });
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
};

describe('tug manifest', () => {
  it('creates, shows, annotates, pushes and removes lists as Docker does', async () => {
    const images = [`${host}/app:amd64`, `${host}/other:arm64`];
    const list = `${host}/app:%`;
    assert.match(await same(0, 'create', '--insecure', list, ...images), /^Created manifest list .*\/app:%\n$/);
    await same(1, 'create', '--insecure', list, ...images);
    await same(0, 'create', '--insecure', '-a', list, ...images);
    for (const flags of [[], ['-v']]) {
      await same(0, 'inspect', ...flags, list);
      await same(0, 'inspect', ...flags, list, `${host}/other:arm64`);
    }
    const features = ['--os-features', 'x,y', '--os-features', 'z', '--os-features', 'x'];
    await same(0, 'annotate', ...features, '--variant', 'v9', '--os-version', '1.2', list, `${host}/other:arm64`);
    await same(0, 'inspect', list);
    await same(0, 'inspect', '-v', list);
    const pushed = await same(0, 'push', '--insecure', list);
    assert.match(pushed, /^Pushed ref .*\/app@sha256:\w{64} with digest: sha256:\w{64}\nsha256:\w{64}\n$/);
    const there = await remote('app', 'by-tug');
    assert.ok(pushed.endsWith(`${digestOf(there.bytes)}\n`));
    assert.equal((await remote('app', arm.manifest.digest)).status, 200, 'its blobs were mounted');
    await same(0, 'push', '--insecure', '--purge', list);
    await same(1, 'push', '--insecure', list);
    assert.deepEqual(folders(), []);
    assert.deepEqual(
      (JSON.parse(there.bytes.toString()) as { manifests: { platform: unknown }[] }).manifests.map(
        (one) => one.platform,
      ),
      [
        { architecture: 'amd64', os: 'linux' },
        {
          ...{ architecture: 'arm64', os: 'linux', 'os.version': '1.2' },
          ...{ 'os.features': ['x', 'y', 'z'], variant: 'v9' },
        },
      ],
    );
  });

  it('gives a list of Docker’s images the type and the digest that Docker gives it', async () => {
    const list = `${host}/other:list-%`;
    await same(0, 'create', '--insecure', list, `${host}/other@${arm.manifest.digest}`, `${host}/other:arm64`);
    await same(0, 'push', '--insecure', '-p', list);
    assert.match((await remote('other', 'list-by-tug')).bytes.toString(), /manifest\.list\.v2/);
    await same(1, 'create', '--insecure', `${host}/other:more-%`, `${host}/other:list-%`);
  });

  it('goes on with the other one’s lists', async () => {
    for (const [first, second] of [
      ['docker', 'tug'],
      ['tug', 'docker'],
    ] as const) {
      const list = `${host}/app:${first}-made`;
      await good(first, 'create', '--insecure', list, `${host}/app:amd64`);
      await good(second, 'annotate', '--os-version', '7.1', list, `${host}/app:amd64`);
      await good(second, 'create', '--insecure', '--amend', list, `${host}/other:arm64`);
      assert.equal(await good(first, 'inspect', list), await good(second, 'inspect', list));
      assert.match(await good(second, 'inspect', list), /"os.version": "7.1"/);
      const digest = (await good(second, 'push', '--insecure', list)).split('\n').at(-2);
      assert.equal((await good(first, 'push', '--insecure', list)).split('\n').at(-2), digest);
      await good(first, 'rm', list);
      assert.deepEqual(folders(), []);
    }
    const pulled = await engine.tug(['pull', `${host}/app:tug-made`]);
    assert.match(pulled.stdout, /Status: Downloaded newer image/, pulled.stderr);
  });

  it('refuses what is wrong in Docker’s words, and writes nothing', async () => {
    const list = `${host}/app:bad-%`;
    await same(1, 'create', '--insecure', list, 'UPPER');
    await same(1, 'create', '--insecure', list, `${host}/app:amd64`, `${host}/app:none`);
    await same(1, 'create', '--insecure', 'UPPER', `${host}/app:amd64`);
    assert.deepEqual(
      folders().filter((name) => name.includes('tug')),
      [],
    );
    await engine.docker(['manifest', 'rm', `${host}/app:bad-by-docker`]); // Docker's command line keeps what it has got so far
    await same(0, 'create', '--insecure', list, `${host}/app:amd64`);
    await same(1, 'annotate', '--os', 'nope', list, `${host}/app:amd64`);
    await same(1, 'annotate', '--arch', 'nope', list, `${host}/app:amd64`);
    await same(1, 'annotate', '--arch', 'arm64', list, `${host}/app:none`);
    await same(1, 'annotate', '--arch', 'arm64', 'UPPER', `${host}/app:none`);
    await same(1, 'annotate', '--arch', 'arm64', list, 'UPPER');
    await same(1, 'inspect', list, `${host}/app:none`);
    await same(1, 'rm', list, 'nosuch', 'BAD', 'nosuch2:x');
    const elsewhere = 'elsewhere.invalid/app:%';
    await same(0, 'create', '--insecure', elsewhere, `${host}/app:amd64`);
    await same(1, 'push', '--insecure', elsewhere);
    await same(1, 'inspect', elsewhere);
    await same(0, 'rm', elsewhere);
    assert.deepEqual(folders(), []);
  });
});

describe('the route that stores manifests', () => {
  const put = (name: string, body: object) => engine.api('PUT', `/distribution/${host}/${name}/manifest`, body);
  const body = { MediaType: mediaTypes.ociIndex, Raw: Buffer.from('{"schemaVersion":2}').toString('base64') };

  it('refuses what is no manifest', async () => {
    for (const bad of [
      {},
      { ...body, MediaType: 'text/plain' },
      { ...body, Raw: 'not base64!' },
      { ...body, Raw: Buffer.from('{').toString('base64') },
      { ...body, Blobs: ['sha256:short'] },
      { ...body, Source: 'elsewhere.invalid/app' },
    ]) {
      const { status, text } = await put('app:x', bad);
      assert.equal(status, 400, text);
    }
    const other = await put(`app@sha256:${'0'.repeat(64)}`, body);
    assert.match(other.text, /the manifest has the digest sha256:\w+, not sha256:0+/);
    assert.equal(other.status, 400);
    assert.equal((await remote('app', 'x')).status, 404);
  });

  it('says which blob the registry has not got', async () => {
    const blob = `sha256:${'1'.repeat(64)}`;
    const { status, text } = await put('app:x', { ...body, Source: `${host}/other`, Blobs: [blob] });
    assert.equal(status, 503, text);
    assert.match(text, new RegExp(`error mounting ${host}/other@${blob} to ${host}/app:x`));
    assert.equal((await remote('app', 'x')).status, 404);
  });

  it('passes the login on', async () => {
    await using closed = await startRegistry({ login: true });
    const [image, list] = [`${closed.host}/app:one`, `${closed.host}/app:list`];
    await pushImage(intel, image, engine.root, 'tester:secret');
    const login = async () => {
      const { code, stderr } = await engine.tug(['login', '-u', 'tester', '-p', 'secret', closed.host]);
      assert.equal(code, 0, stderr);
    };
    assert.match((await manifest('tug', 'create', list, image)).stderr, /wants a login/);
    await login();
    await good('tug', 'create', list, image);
    await engine.tug(['logout', closed.host]);
    assert.match((await manifest('tug', 'push', list)).stderr, /wants a login/);
    await login();
    assert.match(await good('tug', 'push', list), /^sha256:\w{64}\n$/);
    await good('tug', 'rm', list);
  });
});
