import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { mediaTypes } from '../../src/api/oci/image.ts';
import type { ProgressMessage } from '../../src/api/types/image.ts';
import { shortId } from '../../src/base/ids.ts';
import { chainIds } from '../../src/formats/digest.ts';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { json, makeImage } from '../helpers/image-layout.ts';
import { startPullRig } from '../helpers/pull-rig.ts';

const layer = (bytes: number): Buffer => randomBytes(bytes);
const statuses = (lines: readonly ProgressMessage[], id: string): string[] => {
  const all = lines.filter((line) => line.id === id).map((line) => line.status ?? '');
  return all.filter((status, at) => status !== all[at - 1]);
};
const platformless = (lines: readonly ProgressMessage[]): (string | undefined)[] =>
  lines.filter((line) => line.id === undefined).map((line) => line.status);

test('pulls an image, tells it in Docker’s lines, and holds no lease afterwards', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const image = makeImage([layer(300_000), layer(20_000), layer(10)]);
  registry.serve('v1', image);

  const { id, lines } = await rig.run(`${registry.host}/team/app:v1`);

  assert.equal(id, image.config.digest);
  assert.deepEqual([...rig.snapshots].sort(), chainIds(image.diffIds).sort());
  const recorded = rig.images.get(id);
  assert.deepEqual(recorded?.tags, [`${registry.host}/team/app:v1`]);
  assert.deepEqual(recorded?.digests, [`${registry.host}/team/app@${image.manifest.digest}`]);
  assert.deepEqual(lines[0], { status: 'Pulling from team/app', id: 'v1' });
  const whole = [
    'Pulling fs layer',
    'Downloading',
    'Verifying Checksum',
    'Download complete',
    'Extracting',
    'Pull complete',
  ];
  assert.deepEqual(statuses(lines, shortId(image.layers[0]!.digest)), whole);
  assert.deepEqual(platformless(lines), [
    `Digest: ${image.manifest.digest}`,
    `Status: Downloaded newer image for ${registry.host}/team/app:v1`,
  ]);
  const bar = lines.find((line) => line.status === 'Downloading');
  assert.match(bar?.progress ?? '', /^\[=*> *\] .*B\/.*B$/);
  assert.ok((bar?.progressDetail?.total ?? 0) > 0);
  assert.deepEqual(rig.database.all('SELECT * FROM leases'), []);
  assert.deepEqual(await rig.partials(), []);
});

test('asks only for the digest when nothing has changed, and says so', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const image = makeImage([layer(1000)]);
  registry.serve('latest', image);
  await rig.run(`${registry.host}/app`);
  const before = registry.requests.length;
  const { id, lines } = await rig.run(`${registry.host}/app`);
  assert.equal(id, image.config.digest);
  assert.deepEqual(
    registry.requests.slice(before).map(({ method, path }) => `${method} ${path}`),
    ['HEAD /v2/app/manifests/latest'],
  );
  assert.deepEqual(
    lines.map((line) => line.status),
    [
      'Pulling from app',
      `Digest: ${image.manifest.digest}`,
      `Status: Image is up to date for ${registry.host}/app:latest`,
    ],
  );
});

test('fetches only the layers that are not there', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const base = layer(5000);
  registry.serve('one', makeImage([base, layer(10)]));
  const two = makeImage([base, layer(20)]);
  registry.serve('two', two);
  await rig.run(`${registry.host}/app:one`);
  const before = registry.requests.length;
  const { lines } = await rig.run(`${registry.host}/app:two`);
  assert.deepEqual(statuses(lines, shortId(two.layers[0]!.digest)), ['Already exists']);
  const asked = registry.requests.slice(before).map(({ path }) => path.split('/').at(-1));
  assert.deepEqual(asked, ['two', two.config.digest, two.layers[1]!.digest]);
});

test('unpacks a layer twice where an image has it twice, and fetches it once', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const twice = layer(100);
  const image = makeImage([twice, layer(50), twice]);
  registry.serve('v1', image);
  await rig.run(`${registry.host}/app:v1`);
  assert.deepEqual([...rig.snapshots].sort(), chainIds(image.diffIds).sort());
  const path = `/v2/app/blobs/${image.layers[0]!.digest}`;
  assert.equal(registry.requests.filter((request) => request.path === path).length, 1);
});

test('moves a tag to the newer image', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const [old, newer] = [makeImage([layer(10)]), makeImage([layer(11)])];
  registry.serve('v1', old);
  await rig.run(`${registry.host}/app:v1`);
  registry.serve('v1', newer);
  const { id, lines } = await rig.run(`${registry.host}/app:v1`);
  assert.equal(id, newer.config.digest);
  assert.deepEqual(rig.images.get(old.config.digest)?.tags, []);
  assert.equal(lines.at(-1)?.status, `Status: Downloaded newer image for ${registry.host}/app:v1`);
});

test('chooses from an index by platform, OCI’s and Docker’s', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const amd64 = makeImage([layer(10)]);
  const arm = makeImage([layer(11)], { platform: { os: 'linux', architecture: 'arm64' } });
  registry.serve('amd64', amd64);
  registry.serve('arm', arm);
  const unknown = { ...arm.manifest, platform: { os: 'unknown', architecture: 'unknown' } };
  const manifests = [
    unknown,
    { ...arm.manifest, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    { ...amd64.manifest, platform: { os: 'linux', architecture: 'amd64' } },
  ];
  for (const [tag, mediaType] of [
    ['oci', mediaTypes.ociIndex],
    ['docker', mediaTypes.dockerList],
  ] as const) {
    const digest = registry.serveManifest(tag, mediaType, json({ schemaVersion: 2, mediaType, manifests }));
    const { id, lines } = await rig.run(`${registry.host}/app:${tag}`);
    assert.equal(id, amd64.config.digest);
    assert.ok(lines.some((line) => line.status === `Digest: ${digest}`));
    const other = await rig.run(`${registry.host}/app:${tag}`, { platform: 'linux/arm64' });
    assert.equal(other.id, arm.config.digest);
    assert.ok(rig.content.has(digest));
  }
  await assert.rejects(rig.run(`${registry.host}/app:oci`, { platform: 'linux/s390x' }), {
    kind: 'not-found',
    message: 'no matching manifest for linux/s390x in the manifest list entries',
  });
});

test('warns when the only image there is for another platform than was asked for', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  registry.serve('v1', makeImage([layer(10)]));
  const { lines } = await rig.run(`${registry.host}/app:v1`, { platform: 'linux/arm64' });
  const name = `${registry.host}/app:v1`;
  assert.ok(
    lines.some(
      ({ status }) =>
        status ===
        `WARNING: image with reference ${name} was found but its platform (linux/amd64) does not match the specified platform (linux/arm64)`,
    ),
  );
});

test('pulls by digest, records no tag, and needs no registry the second time', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const image = makeImage([layer(10)]);
  registry.serve('v1', image);
  const name = `${registry.host}/app@${image.manifest.digest}`;
  const { id, lines } = await rig.run(name);
  assert.deepEqual(rig.images.get(id)?.tags, []);
  assert.deepEqual(rig.images.get(id)?.digests, [name]);
  assert.deepEqual(lines[0], { status: 'Pulling from app', id: image.manifest.digest });
  registry.fault = () => ({ status: 500 });
  const again = await rig.run(`${registry.host}/app:v1@${image.manifest.digest}`);
  assert.equal(again.id, id);
});

test('refuses what is no image that it can run, with the reason, before fetching any layer', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const bytes = [layer(10)];
  const document = (mediaType: string, body: object) =>
    registry.serveManifest('x', mediaType, json({ mediaType, ...body }));
  const image = makeImage(bytes);
  const chart = { ...image.config, mediaType: 'application/vnd.cncf.helm.config.v1+json' };
  const cases: [() => unknown, RegExp][] = [
    [
      () => document(mediaTypes.dockerSchema1, { schemaVersion: 1 }),
      /manifest version 2, schema 1, which is no longer supported/,
    ],
    [
      () => document('application/x-other', { schemaVersion: 2 }),
      /is not a container image: its manifest is of type "application\/x-other"/,
    ],
    [
      () => registry.serve('x', makeImage(bytes, { manifest: { config: chart } })),
      /its configuration is of type "application\/vnd\.cncf\.helm/,
    ],
    [() => registry.serve('x', makeImage(bytes, { layerType: mediaTypes.dockerForeignLayer })), /has a foreign layer/],
    [
      () => registry.serve('x', makeImage(bytes, { layerType: 'application/x-squashfs' })),
      /a layer of an unknown type/,
    ],
    [
      () => registry.serve('x', makeImage(bytes, { config: { rootfs: { type: 'layers', diff_ids: [] } } })),
      /number of layers and diffIDs don't match: expected 1, got 0/,
    ],
    [
      () => registry.serve('x', makeImage(bytes, { platform: { os: 'windows', architecture: 'amd64' } })),
      /operating system "windows"/,
    ],
    [
      () => registry.serve('x', makeImage(Array<Buffer>(128).fill(bytes[0] as Buffer))),
      /max depth exceeded: the image has 128 layers, 127 are the most/,
    ],
    [() => registry.serve('x', makeImage(bytes, { manifest: { manifests: [] } })), /an index and an image at once/],
    [
      () =>
        registry.serve(
          'x',
          makeImage(bytes, { manifest: { layers: [{ ...image.layers[0], digest: 'sha256:../x' }] } }),
        ),
      /layers\.0\.digest: only sha256/,
    ],
    [
      () => registry.serve('x', makeImage(bytes, { manifest: { layers: [{ ...image.layers[0], size: -1 }] } })),
      /malformed: layers\.0\.size/,
    ],
    [() => registry.serveManifest('x', mediaTypes.ociManifest, Buffer.from('{')), /is not a JSON object/],
  ];
  for (const [serve, message] of cases) {
    serve();
    await assert.rejects(rig.run(`${registry.host}/app:x`), { name: 'TugError', message });
  }
  const layers = registry.requests.filter(({ path }) => path.endsWith(image.layers[0]!.digest));
  assert.deepEqual([layers, rig.images.ids(), rig.database.all('SELECT * FROM leases')], [[], [], []]);
});

test('refuses malformed references and platforms before asking anyone', async () => {
  await using rig = await startPullRig();
  await assert.rejects(rig.run('team/APP'), { kind: 'invalid' });
  await assert.rejects(rig.run('app', { platform: 'linux/amd64/v1/x' }), {
    kind: 'invalid',
    message: /invalid platform/,
  });
});

test('two pulls of one image at once do the work once, and both are told', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const image = makeImage([layer(200_000)]);
  registry.serve('v1', image);
  const hold = Promise.withResolvers<void>();
  registry.fault = ({ path }) =>
    path.endsWith(image.layers[0]!.digest) ? { hold: hold.promise, begin: 1000 } : undefined;
  const name = `${registry.host}/app:v1`;
  const never = new AbortController().signal;
  const request = { reference: name, platform: undefined, auth: undefined };

  const first = Promise.withResolvers<void>();
  const firstLines: ProgressMessage[] = [];
  const one = rig.pull(
    request,
    (line) => {
      firstLines.push(line);
      if (line.status === 'Downloading') first.resolve();
    },
    never,
  );
  await first.promise;
  const two = rig.run(name);
  hold.resolve();
  const [id, second] = await Promise.all([one, two]);

  assert.equal(id, second.id);
  assert.equal(registry.requests.filter(({ path }) => path.endsWith('manifests/v1')).length, 1);
  assert.deepEqual(second.lines[0], { status: 'Pulling from app', id: 'v1' });
  assert.equal(second.lines.at(-1)?.status, firstLines.at(-1)?.status);
});

test('pulls that share a layer fetch it once, and one that is cancelled does not stop the other', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const shared = layer(200_000);
  const [one, two] = [makeImage([shared, layer(10)]), makeImage([shared, layer(20)])];
  registry.serve('one', one);
  registry.serve('two', two);
  const hold = Promise.withResolvers<void>();
  const blob = one.layers[0]!.digest;
  registry.fault = ({ path }) => (path.endsWith(blob) ? { hold: hold.promise, begin: 1000 } : undefined);
  const controller = new AbortController();
  const begin = (tag: string, signal: AbortSignal): { done: Promise<string>; begun: Promise<void> } => {
    const begun = Promise.withResolvers<void>();
    const request = { reference: `${registry.host}/app:${tag}`, platform: undefined, auth: undefined };
    const done = rig.pull(request, (line) => line.status === 'Downloading' && begun.resolve(), signal);
    return { done, begun: begun.promise };
  };
  const first = begin('one', controller.signal);
  await first.begun;
  const second = begin('two', new AbortController().signal);
  await second.begun;
  controller.abort();
  await assert.rejects(first.done, { kind: 'cancelled' });
  hold.resolve();
  assert.equal(await second.done, two.config.digest);
  assert.equal(registry.requests.filter(({ path }) => path.endsWith(blob)).length, 1);
});

test('downloads no more layers at once than it may, and says which wait', async () => {
  await using registry = await startFaultyRegistry();
  await using rig = await startPullRig();
  const image = makeImage([0, 1, 2, 3, 4].map((n) => layer(1000 + n)));
  registry.serve('v1', image);
  let running = 0;
  let most = 0;
  const hold = Promise.withResolvers<void>();
  const digests = image.layers.map(({ digest }) => digest);
  registry.fault = ({ path }) => {
    if (!digests.some((digest) => path.endsWith(digest))) return undefined;
    running += 1;
    most = Math.max(most, running);
    if (running === 3) hold.resolve();
    return { hold: hold.promise.then(() => (running -= 1)) };
  };
  const { lines } = await rig.run(`${registry.host}/app:v1`);
  assert.equal(most, 3);
  const waited = lines.filter(({ status }) => status === 'Waiting').map(({ id }) => id);
  assert.deepEqual(waited, digests.slice(3).map(shortId));
});

test('tries mirrors first for the default domain, and its own registry when they do not have it', async () => {
  await using mirror = await startFaultyRegistry();
  await using own = await startFaultyRegistry();
  const options = { mirrors: ['http://127.0.0.1:1', `http://${mirror.host}`], hosts: { 'docker.io': own.host } };
  await using rig = await startPullRig(options);
  const [there, here] = [makeImage([layer(10)]), makeImage([layer(11)])];
  mirror.serve('latest', there);
  own.serve('v2', here);
  assert.equal((await rig.run('app')).id, there.config.digest);
  assert.deepEqual(own.requests, []);
  assert.deepEqual(rig.images.get(there.config.digest)?.tags, ['app:latest']);
  const auth = { username: 'u', password: 'p' };
  assert.equal((await rig.run('app:v2', { auth })).id, here.config.digest);
  assert.ok(mirror.requests.every(({ headers }) => headers.authorization === undefined));
});
