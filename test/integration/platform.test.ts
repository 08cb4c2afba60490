import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { mediaTypes } from '../../src/api/oci/image.ts';
import { tarOf } from '../../src/images/testing/tar.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, type TestEngine } from '../helpers/engine.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { json, makeImage } from '../helpers/image-layout.ts';
import { openAll } from '../helpers/open-all.ts';
import { startRegistry } from '../helpers/registry.ts';

// An index of amd64 and arm64, of which the engine pulls one or both.

let engine: TestEngine;
let registry: FaultyRegistry;
let name: string;
const arm = makeImage([tarOf({ name: 'arm', content: 'arm' })], { platform: { os: 'linux', architecture: 'arm64' } });
const intel = makeImage([tarOf({ name: 'intel', content: 'intel' })]);

before(async () => {
  [engine, registry] = await openAll(startEngine(), startFaultyRegistry());
  registry.serve('arm', arm);
  registry.serve('intel', intel);
  const manifests = [
    { ...arm.manifest, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { ...intel.manifest, platform: { os: 'linux', architecture: 'amd64' } },
  ];
  registry.serveManifest(
    'both',
    mediaTypes.ociIndex,
    json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }),
  );
  name = `${registry.host}/app:both`;
});
after(() => Promise.all([engine, registry].map((one) => one?.[Symbol.asyncDispose]())));

const pull = async (platform: string) => {
  const { code, stderr } = await engine.tug(['pull', '-q', '--platform', platform, name]);
  assert.equal(code, 0, stderr);
};
const ids = async () =>
  (await engine.tug(['images', '-aq', '--no-trunc'])).stdout.split('\n').filter(Boolean).toSorted();
const clear = async () => {
  for (const id of await ids()) await engine.tug(['rmi', '-f', id]);
};
const refusal = (platform: string) =>
  `Error response from daemon: image with reference ${name} was found but does not provide the specified platform (${platform})`;

for (const client of commandLines) {
  describe(`--platform with ${client}`, () => {
    const run = (...args: string[]) => engine[client](args);

    it('is refused by an image that is for another one, and nothing is changed', async () => {
      await clear();
      await pull('linux/arm64');
      const archive = path.join(engine.root, `refused-${client}.tar`);
      for (const args of [
        ['image', 'inspect', '--platform', 'linux/amd64', name],
        ['image', 'history', '--platform', 'linux/amd64', name],
        ['rmi', '--platform', 'linux/amd64', name],
        ['image', 'save', '--platform', 'linux/amd64', '-o', archive, name],
      ]) {
        const { code, stderr } = await run(...args);
        assert.equal(code, 1, args.join(' '));
        assert.ok(stderr.includes(refusal('linux/amd64')), stderr);
      }
      assert.equal(fs.existsSync(archive), false);
      assert.deepEqual(await ids(), [arm.config.digest]);
      const short = await run('image', 'inspect', '--platform', 'aarch64', '-f', '{{.Architecture}}', name);
      assert.equal(short.stdout, 'arm64\n', short.stderr);
      const malformed = await run('image', 'inspect', '--platform', 'linux/a/b/c', name);
      assert.equal(malformed.code, 1);
    });

    it('chooses among the images of one index', async () => {
      await clear();
      await pull('linux/arm64');
      await pull('linux/amd64'); // has the name from now on
      for (const [platform, image] of [
        ['linux/arm64/v8', arm],
        ['linux/amd64', intel],
      ] as const) {
        const inspect = await run('image', 'inspect', '--platform', platform, '-f', '{{.Id}}', name);
        assert.equal(inspect.stdout, `${image.config.digest}\n`, inspect.stderr);
      }
      const plain = await run('image', 'inspect', '-f', '{{.Id}}', name);
      assert.equal(plain.stdout, `${intel.config.digest}\n`);
      const archive = path.join(engine.root, `arm-${client}.tar`);
      assert.equal((await run('save', '--platform', 'linux/arm64', '-o', archive, name)).code, 0);

      const removed = await run('rmi', '--platform', 'linux/arm64', name);
      assert.equal(removed.code, 0, removed.stderr);
      assert.match(removed.stdout, new RegExp(`^Deleted: ${arm.config.digest}\n`));
      assert.deepEqual(await ids(), [intel.config.digest]);

      const other = await run('load', '--platform', 'linux/riscv64', '-i', archive);
      assert.equal(other.code, 1);
      assert.match(other.stdout + other.stderr, /no images providing the requested platform linux\/riscv64 found/);
      assert.deepEqual(await ids(), [intel.config.digest]);
      const loaded = await run('load', '--platform', 'linux/arm64', '-i', archive);
      assert.equal(loaded.stdout, `Loaded image: ${name}\n`, loaded.stderr);
      assert.equal((await run('image', 'inspect', '-f', '{{.Architecture}}', name)).stdout, 'arm64\n');
    });
  });
}

for (const client of commandLines) {
  describe(`containers and pushes with --platform, with ${client}`, () => {
    const run = (...args: string[]) => engine[client](args);

    it('take the image for it, and it is pulled where it is not here', async () => {
      await clear();
      await pull('linux/amd64');
      const made = await run('create', '--platform', 'linux/arm64', name);
      assert.equal(made.code, 0, made.stderr);
      assert.match(made.stderr, /Unable to find image '.*' locally/);
      assert.deepEqual(await ids(), [arm.config.digest, intel.config.digest].toSorted());
      const back = await run('create', '--pull', 'never', '--platform', 'linux/amd64', name);
      assert.equal(back.code, 0, back.stderr);
      const images = [made, back].map(({ stdout }) => engine.tug(['inspect', '-f', '{{.Image}}', stdout.trim()]));
      assert.deepEqual(
        (await Promise.all(images)).map(({ stdout }) => stdout.trim()),
        [arm.config.digest, intel.config.digest],
      );
      await run('rm', made.stdout.trim(), back.stdout.trim());
      const none = await run('create', '--pull', 'never', '--platform', 'linux/s390x', name);
      assert.ok(none.stderr.includes(refusal('linux/s390x')), none.stderr);
      assert.equal((await run('create', '--pull', 'never', '--platform', 'a/b/c/d', name)).code, 1);
    });

    it('send the image for it', async () => {
      await using target = await startRegistry();
      const there = `${target.host}/app:${client}`;
      await clear();
      await pull('linux/arm64');
      await pull('linux/amd64');
      await run('tag', name, there);
      const pushed = await run('push', '--platform', 'linux/arm64', there);
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.match(pushed.stdout, new RegExp(`digest: ${arm.manifest.digest}`));
    });
  });
}

describe('the platforms of the API', () => {
  const query = (...architectures: string[]) =>
    architectures
      .map((architecture) => `platform=${encodeURIComponent(JSON.stringify({ os: 'linux', architecture }))}`)
      .join('&');

  it('may be several, where the contract says so', async () => {
    await clear();
    await pull('linux/arm64');
    await pull('linux/amd64');
    const saved = await engine.api('GET', `/v1.55/images/${name}/get?${query('arm64', 'amd64')}`);
    assert.equal(saved.status, 200, saved.text.slice(0, 200));
    const archive = saved.bytes;
    await clear();
    assert.equal((await engine.api('POST', `/v1.55/images/load?${query('arm64', 'amd64')}`, archive)).status, 200);
    assert.deepEqual(await ids(), [arm.config.digest, intel.config.digest].toSorted());
    await clear();
    assert.equal((await engine.api('POST', `/v1.55/images/load?${query('arm64')}`, archive)).status, 200);
    assert.deepEqual(await ids(), [arm.config.digest]);
    const gone = await engine.api('DELETE', `/v1.55/images/${name}?${query('arm64').replace('platform', 'platforms')}`);
    assert.equal(gone.status, 200);
    assert.deepEqual(await ids(), []);
  });

  it('are checked, and unknown to clients of before', async () => {
    await pull('linux/amd64');
    for (const bad of ['linux%2Famd64', '%7B%22os%22%3A1%7D']) {
      assert.equal((await engine.api('GET', `/v1.55/images/${name}/json?platform=${bad}`)).status, 400);
      assert.equal((await engine.api('GET', `/v1.55/images/${name}/get?platform=${bad}`)).status, 400);
      assert.equal((await engine.api('POST', `/v1.55/images/load?platform=${bad}`)).status, 400);
      assert.equal((await engine.api('DELETE', `/v1.55/images/${name}?platforms=${bad}`)).status, 400);
    }
    const both = await engine.api('GET', `/v1.55/images/${name}/json?manifests=1&${query('amd64')}`);
    assert.equal(both.status, 400);
    assert.equal((await engine.api('GET', `/v1.48/images/${name}/json?${query('arm64')}`)).status, 200);
    assert.equal((await engine.api('GET', `/v1.49/images/${name}/json?${query('arm64')}`)).status, 404);
  });
});
