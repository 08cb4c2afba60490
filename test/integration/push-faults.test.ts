import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { test } from 'node:test';
import { gunzipSync, zstdCompressSync } from 'node:zlib';
import { type ImageManifest, mediaTypes } from '../../src/api/oci/image.ts';
import { shortId } from '../../src/base/ids.ts';
import { chainIds } from '../../src/formats/digest.ts';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { digestOf, type ImageBytes, json, makeImage } from '../helpers/image-layout.ts';
import { type PullRig, type PullRigOptions, startPullRig } from '../helpers/pull-rig.ts';
import { startTokenServer } from '../helpers/token-server.ts';
import { kindOf, startUploadRegistry, type UploadRegistry } from '../helpers/upload-registry.ts';

const tries = 4; // the rig's policy

interface Scene extends AsyncDisposable {
  readonly registry: UploadRegistry;
  readonly rig: PullRig;
  readonly image: ImageBytes;
  readonly name: string;
  /** The image's second layer, the large one. */
  readonly large: string;
}

/** Puts an image into the engine's state as a pull from `pulledFrom` (or, without it, an import) leaves it. */
async function keep(rig: PullRig, image: ImageBytes, tag: string, pulledFrom?: string): Promise<void> {
  for (const bytes of image.blobs.values()) await rig.content.put(bytes);
  for (const [at, chainId] of chainIds(image.diffIds).entries()) {
    const [blob, diffId = ''] = [image.layers[at], image.diffIds[at]];
    if (blob) rig.images.recordLayer({ chainId, diffId, size: blob.size, blob });
  }
  const digests = pulledFrom === undefined ? [] : [`${pulledFrom}@${image.manifest.digest}`];
  await rig.images.record({ id: image.config.digest, manifest: image.manifest, tags: [tag], digests });
}

async function setScene(options: PullRigOptions = {}, layers = [1000, 300_000]): Promise<Scene> {
  const registry = await startUploadRegistry();
  const rig = await startPullRig(options);
  const image = makeImage(layers.map((size) => randomBytes(size)));
  const name = `${registry.host}/app:v1`;
  await keep(rig, image, name, 'elsewhere.test/app');
  return {
    ...{ registry, rig, image, name, large: image.layers[1]?.digest ?? '' },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const statuses = (lines: readonly { id?: string; status?: string }[]): string[] =>
  lines.flatMap(({ id, status }) =>
    status === undefined || status === 'Pushing' ? [] : [id ? `${id}: ${status}` : status],
  );

function assertThere({ registry, image }: Scene, path = 'app'): void {
  for (const { digest } of [image.config, ...image.layers]) {
    assert.deepEqual(registry.blobs.get(`${path}@${digest}`), image.blobs.get(digest), digest);
  }
  const manifest = registry.manifests.get(`${path}:v1`);
  assert.deepEqual(manifest?.bytes, image.blobs.get(image.manifest.digest));
  assert.equal(manifest?.mediaType, image.manifest.mediaType);
}

const uploadsOf = ({ registry }: Scene, method = 'PATCH') =>
  registry.requests.filter((request) => request.method === method && kindOf(request.path) === 'upload');

test('sends what the registry lacks, byte for byte, in Docker’s words, and a second time nothing', async () => {
  await using scene = await setScene();
  const { registry, rig, image, name } = scene;
  const [bottom = '', top = ''] = image.diffIds.map(shortId);
  const lines = await rig.send(name);
  assertThere(scene);
  const said = statuses(lines);
  const size = image.blobs.get(image.manifest.digest)?.length;
  assert.deepEqual(said.slice(0, 3), [
    `The push refers to repository [${registry.host}/app]`,
    `${top}: Preparing`,
    `${bottom}: Preparing`,
  ]);
  assert.deepEqual(said.slice(3, 5).sort(), [`${bottom}: Pushed`, `${top}: Pushed`].sort());
  assert.equal(said.at(-1), `v1: digest: ${image.manifest.digest} size: ${size}`);
  assert.deepEqual(lines.at(-1), { progressDetail: {}, aux: { Tag: 'v1', Digest: image.manifest.digest, Size: size } });
  assert.ok(rig.images.byName(`${registry.host}/app@${image.manifest.digest}`));
  assert.deepEqual(rig.database.all('SELECT * FROM leases'), []);

  const before = registry.requests.length;
  const again = statuses(await rig.send(name));
  assert.deepEqual(again.filter((line) => line.endsWith('Layer already exists')).length, 2);
  assert.deepEqual([...new Set(registry.requests.slice(before).map(({ method }) => method))].sort(), ['HEAD', 'PUT']);
});

test('goes on with a cut upload where the registry says', async () => {
  await using scene = await setScene();
  scene.registry.fault = ({ method, headers, earlier }) =>
    method === 'PATCH' && Number(headers['content-length']) > 100_000 && earlier < 6 ? { cutAfter: 60_000 } : undefined;
  await scene.rig.send(scene.name);
  assertThere(scene);
  const starts = uploadsOf(scene).flatMap(({ headers }) => headers['content-range']?.split('-')[0] ?? []);
  assert.deepEqual(starts, ['60000', '120000', '180000', '240000'].slice(0, starts.length));
  assert.ok(starts.length >= 3);
});

test('begins an upload anew where the registry has forgotten it', async () => {
  await using scene = await setScene();
  scene.registry.keepsUploads = false;
  scene.registry.fault = ({ method, earlier }) => (method === 'PATCH' && earlier < 2 ? { cutAfter: 500 } : undefined);
  await scene.rig.send(scene.name);
  assertThere(scene);
  assert.ok(uploadsOf(scene).every(({ headers }) => headers['content-range'] === undefined));
});

test('does not send a blob twice when only the answer was lost', async () => {
  await using scene = await setScene();
  scene.registry.fault = ({ method, path, earlier }) =>
    method === 'PUT' && kindOf(path) === 'upload' && earlier === 0 ? { silent: true } : undefined;
  await scene.rig.send(scene.name);
  assertThere(scene);
  assert.equal(uploadsOf(scene).length, 3);
});

test('gives up after a bounded number of tries, and records nothing', async () => {
  await using scene = await setScene();
  const { registry, rig, name, image } = scene;
  registry.keepsUploads = false;
  registry.fault = ({ method }) => (method === 'PATCH' ? { cutAfter: 10 } : undefined);
  await assert.rejects(rig.send(name), { kind: 'unavailable', message: /the connection was cut/ });
  assert.equal(registry.manifests.size, 0);
  assert.equal(rig.images.byName(`${registry.host}/app@${image.manifest.digest}`), undefined);
  assert.deepEqual(rig.database.all('SELECT * FROM leases'), []);
});

test('waits as long as a busy registry asks, and says so', async () => {
  await using scene = await setScene();
  const { registry, rig, name } = scene;
  const limited = { status: 429, headers: { 'retry-after': '1' } };
  registry.fault = ({ method, path, earlier }) => {
    if (earlier > 0) return undefined;
    return method === 'PATCH' || (method === 'PUT' && kindOf(path) === 'manifest') ? limited : undefined;
  };
  const begun = performance.now();
  const said = statuses(await rig.send(name));
  assert.ok(performance.now() - begun > 1900);
  assert.ok(
    said.some((line) => line.endsWith('Retrying in 1 second')),
    said.join('\n'),
  );
  assertThere(scene);
});

test('tries again when a registry fails for a moment, and not for ever', async () => {
  await using scene = await setScene();
  scene.registry.fault = ({ earlier }) => (earlier === 0 ? { status: 502 } : undefined);
  await scene.rig.send(scene.name);
  assertThere(scene);
  scene.registry.fault = ({ path }) => (kindOf(path) === 'manifest' ? { status: 500 } : undefined);
  const before = scene.registry.requests.length;
  await assert.rejects(scene.rig.send(scene.name), {
    message: `registry ${scene.registry.host} answered with status 500`,
  });
  const puts = scene.registry.requests.slice(before).filter(({ method }) => method === 'PUT');
  assert.equal(puts.length, tries);
});

test('says who may not push, and what a registry without the repository says', async () => {
  await using scene = await setScene();
  const { registry, rig, name } = scene;
  const denied = '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}';
  registry.fault = ({ method }) => (method === 'POST' ? { status: 403, body: denied } : undefined);
  await assert.rejects(rig.send(name), {
    kind: 'forbidden',
    message: `denied: requested access to the resource is denied: log in as somebody who may push to ${registry.host}/app`,
  });
  const unknown = '{"errors":[{"code":"NAME_UNKNOWN","message":"project app not found"}]}';
  registry.fault = ({ method }) => (method === 'POST' ? { status: 404, body: unknown } : undefined);
  await assert.rejects(rig.send(name), {
    kind: 'not-found',
    message: `repository ${registry.host}/app not found: name unknown: project app not found`,
  });
  registry.fault = ({ method }) => (method === 'POST' ? { status: 405 } : undefined);
  await assert.rejects(rig.send(name), { kind: 'unavailable', message: /answered with status 405/ });
  assert.equal(registry.blobs.size, 0);
});

test('says that a layer is damaged here, and does not have it taken', async () => {
  await using scene = await setScene();
  const { registry, rig, name, large } = scene;
  const bytes = await fs.readFile(rig.content.path(large));
  bytes[1234] = (bytes[1234] ?? 0) ^ 0x10;
  await fs.writeFile(rig.content.path(large), bytes);
  await assert.rejects(rig.send(name), {
    code: 'digest-mismatch',
    message: `registry ${registry.host} got other bytes than those of ${registry.host}/app@${large}: digest invalid: digest invalid`,
  });
  assert.equal(registry.manifests.size, 0);
});

test('sends several layers at once, and no more than it may', async () => {
  await using scene = await setScene({ maxConcurrentUploads: 2 }, [1000, 2000, 3000, 4000, 5000]);
  const { registry, rig, name } = scene;
  const both = Promise.withResolvers<void>();
  let under = 0;
  registry.onUpload = async () => {
    under += 1;
    if (under === 2) both.resolve();
    await both.promise;
  };
  const said = statuses(await rig.send(name));
  assert.equal(registry.mostAtOnce, 2);
  assert.equal(said.filter((line) => line.endsWith('Waiting')).length, 3);
  assertThere(scene);
});

test('ends the other uploads when one fails, and when it is cancelled', async () => {
  await using scene = await setScene();
  const { registry, rig, name, large } = scene;
  const controller = new AbortController();
  registry.fault = ({ method, path }) => (method === 'HEAD' && !path.endsWith(large) ? { status: 403 } : undefined);
  registry.onUpload = () => new Promise(() => {});
  await assert.rejects(rig.send(name), { kind: 'forbidden' });
  registry.fault = () => undefined;
  registry.onUpload = async () => controller.abort();
  await assert.rejects(rig.send(name, { signal: controller.signal }), { kind: 'cancelled' });
  assert.deepEqual(rig.database.all('SELECT * FROM leases'), []);
});

test('has layers taken over from another repository of the registry, with the login for both', async () => {
  await using scene = await setScene();
  const { registry, rig, image } = scene;
  await using tokens = await startTokenServer(['repository:closed:pull']);
  await keep(rig, image, `${registry.host}/new:v1`, `${registry.host}/open`);
  for (const [digest, bytes] of image.blobs) (registry.blobs as Map<string, Buffer>).set(`open@${digest}`, bytes);
  registry.fault = ({ path, headers }) => {
    const [, name = ''] = /^\/v2\/(\w+)\//.exec(path) ?? [];
    const from = new URL(path, 'http://x.test').searchParams.get('from');
    const scope = `repository:${name}:pull,push${from ? ` repository:${from}:pull` : ''}`;
    if (tokens.covers(headers.authorization, scope)) return undefined;
    return { status: 401, headers: { 'www-authenticate': tokens.challenge(scope) } };
  };
  const auth = { username: 'tester', password: 'secret' };
  const said = statuses(await rig.send(`${registry.host}/new:v1`, { auth }));
  assert.equal(said.filter((line) => line.endsWith('Mounted from open')).length, 2, said.join('\n'));
  assertThere(scene, 'new');
  assert.equal(uploadsOf(scene).length, 1); // the configuration
  assert.ok(registry.requests.every(({ headers }) => !headers.authorization?.startsWith('Basic')));

  const other = makeImage([randomBytes(500)]);
  await keep(rig, other, `${registry.host}/third:v1`, `${registry.host}/closed`);
  const refused = statuses(await rig.send(`${registry.host}/third:v1`, { auth }));
  assert.ok(
    refused.some((line) => line.endsWith('Pushed')),
    refused.join('\n'),
  );
});

test('sends the bytes again with a new token when the old one ran out meanwhile', async () => {
  await using scene = await setScene();
  const { registry, rig, name } = scene;
  await using tokens = await startTokenServer();
  let expired = false;
  registry.fault = ({ path, headers, method }) => {
    if (method === 'PATCH' && !expired) {
      expired = true;
      tokens.expire();
    }
    if (path === '/v2/' || tokens.covers(headers.authorization, 'repository:app:pull,push')) return undefined;
    return { status: 401, headers: { 'www-authenticate': tokens.challenge('repository:app:pull,push') } };
  };
  await rig.send(name, { auth: { identitytoken: 'identity-of-tester' } });
  assertThere(scene);
  assert.deepEqual([...new Set(tokens.requests.map(({ method }) => method))], ['POST']);
  await assert.rejects(rig.send(`${name}`, { auth: { username: 'tester', password: 'wrong' } }), {
    kind: 'unauthorized',
    message: 'unauthorized: incorrect username or password',
  });
});

test('takes the login to the registry alone when blobs go to another host', async () => {
  await using scene = await setScene({}, [1000]);
  await using store = await startUploadRegistry();
  const { registry, rig, name, image } = scene;
  const begun: string[] = [];
  for (const _ of [image.config, ...image.layers]) {
    const answer = await fetch(`http://${store.host}/v2/app/blobs/uploads/`, { method: 'POST' });
    begun.push(new URL(answer.headers.get('location') ?? '', `http://${store.host}`).href);
  }
  registry.fault = ({ method, headers }) => {
    if (!headers.authorization) return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
    return method === 'POST' ? { status: 202, headers: { location: begun.shift() ?? '' } } : undefined;
  };
  await rig.send(name, { auth: { username: 'u', password: 'p' } });
  assert.equal(store.blobs.size, 2);
  assert.ok(store.requests.length > 2 && store.requests.every(({ headers }) => headers.authorization === undefined));
  assert.ok(registry.manifests.has('app:v1'));
});

/** An image whose layer is kept as another image compressed it: gzip in its own registry, zstd here. */
async function recompressed(rig: PullRig, origin: string, name: string): Promise<{ image: ImageBytes; zstd: string }> {
  const image = makeImage([randomBytes(5000)]);
  const layer = image.layers[0]?.digest ?? '';
  const bytes = zstdCompressSync(gunzipSync(image.blobs.get(layer) ?? Buffer.alloc(0)));
  await keep(rig, image, name, origin);
  const [diffId = ''] = image.diffIds;
  const zstd = await rig.content.put(bytes);
  const blob = { mediaType: mediaTypes.ociLayerZstd, digest: zstd, size: bytes.length };
  rig.images.recordLayer({ chainId: diffId, diffId, size: 5000, blob });
  await rig.content.remove(layer);
  return { image, zstd };
}

test('fetches a layer that is here only in another compression from where the image came from', async () => {
  await using scene = await setScene();
  await using origin = await startFaultyRegistry();
  const { registry, rig } = scene;
  const { image } = await recompressed(rig, `${origin.host}/app`, `${registry.host}/two:v1`);
  origin.serve('v1', image);
  const said = statuses(await rig.send(`${registry.host}/two:v1`, { auth: { username: 'u', password: 'p' } }));
  assert.ok(
    said.some((line) => line.endsWith('Fetching the original')),
    said.join('\n'),
  );
  assert.deepEqual(registry.manifests.get('two:v1')?.bytes, image.blobs.get(image.manifest.digest));
  assert.ok(origin.requests.every(({ headers }) => headers.authorization === undefined));
});

test('pushes what is here under another digest, and says so, when the original is nowhere', async () => {
  await using scene = await setScene();
  const { registry, rig } = scene;
  const { image, zstd } = await recompressed(rig, '127.0.0.1:1/app', `${registry.host}/two:v1`);
  const said = statuses(await rig.send(`${registry.host}/two:v1`));
  assert.ok(
    said.some((line) => /^WARNING: A layer is here only as another image compressed it/.test(line)),
    said.join('\n'),
  );
  const sent = registry.manifests.get('two:v1')?.bytes ?? Buffer.alloc(0);
  assert.notEqual(digestOf(sent), image.manifest.digest);
  assert.equal(said.at(-1), `v1: digest: ${digestOf(sent)} size: ${sent.length}`);
  const { layers, config } = JSON.parse(sent.toString()) as ImageManifest;
  assert.deepEqual([config.digest, layers[0]?.digest], [image.config.digest, zstd]);
  assert.ok(registry.blobs.has(`two@${zstd}`));
  assert.equal(rig.images.get(image.config.digest)?.manifest?.digest, image.manifest.digest);
});

test('compresses the layers of an image that was made here, once', async () => {
  await using scene = await setScene();
  const { registry, rig } = scene;
  const tar = Buffer.alloc(200_000, 'text that is easy to compress ');
  const plain = { mediaType: mediaTypes.ociLayer, digest: await rig.content.put(tar), size: tar.length };
  const config = makeImage([tar]).config;
  const configBytes = makeImage([tar]).blobs.get(config.digest) ?? Buffer.alloc(0);
  await rig.content.put(configBytes);
  const manifest = json({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [plain] });
  const descriptor = {
    mediaType: mediaTypes.ociManifest,
    digest: await rig.content.put(manifest),
    size: manifest.length,
  };
  rig.images.recordLayer({ chainId: plain.digest, diffId: plain.digest, size: tar.length, blob: plain });
  await rig.images.record({ id: config.digest, manifest: descriptor, tags: [`${registry.host}/made:v1`], digests: [] });

  await Promise.all([rig.send(`${registry.host}/made:v1`), rig.send(`${registry.host}/made:v1`)]);
  const sent = JSON.parse(registry.manifests.get('made:v1')?.bytes.toString() ?? '{}') as ImageManifest;
  const layer = sent.layers[0];
  assert.equal(layer?.mediaType, mediaTypes.ociLayerGzip);
  assert.deepEqual(gunzipSync(registry.blobs.get(`made@${layer?.digest}`) ?? Buffer.alloc(0)), tar);
  assert.equal(rig.images.layer(plain.digest)?.blob.digest, layer?.digest);
  assert.deepEqual(rig.images.neededBlobs().has(plain.digest), false);
  const first = rig.images.get(config.digest)?.manifest?.digest;
  rig.images.setTag(`${registry.host}/again:v1`, config.digest);
  await rig.send(`${registry.host}/again:v1`);
  assert.equal(digestOf(registry.manifests.get('again:v1')?.bytes ?? Buffer.alloc(0)), first);
});

test('sends an index with the image when it names no other', async () => {
  await using scene = await setScene();
  const { registry, rig, image } = scene;
  const { mediaType, digest, size } = image.manifest;
  const entry = { mediaType, digest, size, platform: { os: 'linux', architecture: 'amd64' } };
  const bytes = json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] });
  const index = { mediaType: mediaTypes.ociIndex, digest: await rig.content.put(bytes), size: bytes.length };
  const tags = [`${registry.host}/lone:v1`];
  await rig.images.record({ id: image.config.digest, manifest: image.manifest, index, tags, digests: [] });
  const said = statuses(await rig.send(`${registry.host}/lone:v1`));
  assert.equal(said.at(-1), `v1: digest: ${index.digest} size: ${index.size}`);
  assert.deepEqual(registry.manifests.get('lone:v1')?.bytes, bytes);
  assert.ok(registry.manifests.has(`lone@${digest}`));
  const platform = { os: 'linux', architecture: 'amd64' };
  assert.match(statuses(await rig.send(`${registry.host}/lone:v1`, { platform })).at(-1) ?? '', new RegExp(digest));
});

test('refuses what it has not got, in Docker’s words, before anything is said', async () => {
  await using scene = await setScene();
  const { registry, rig, name } = scene;
  const refused = async (reference: string, more = {}) => {
    const said: unknown[] = [];
    const request = { reference, platform: undefined, auth: undefined, ...more };
    const error = await rig.push(request, (line) => said.push(line), new AbortController().signal).catch((one) => one);
    assert.deepEqual(said, []);
    return error as { kind: string; message: string };
  };
  const missing = await refused(`${registry.host}/app:v2`);
  assert.deepEqual(missing.kind, 'not-found');
  assert.equal(missing.message, `An image does not exist locally with the tag: ${registry.host}/app`);
  assert.match(
    (await refused(`${registry.host}/app@sha256:${'0'.repeat(64)}`)).message,
    /cannot push a digest reference/,
  );
  const arm = await refused(name, { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } });
  assert.match(arm.message, /its platform \(linux\/amd64\) does not match the specified platform \(linux\/arm64\)/);
  assert.deepEqual(registry.requests, []);
  await rig.send(name, { platform: { os: 'linux', architecture: 'x86_64' } });
});
