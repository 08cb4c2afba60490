import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createFakeClock } from '../../src/base/fake-clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { proxySection, upstreamsOf } from '../../src/registry-server/config/proxy.ts';
import type { StorageDriver, StoredBlob } from '../../src/registry-server/contract.ts';
import { createProxiedNames } from '../../src/registry-server/proxy/names.ts';
import { createProxy, type RegistryProxy } from '../../src/registry-server/proxy/proxy.ts';
import { openFilesystem } from '../../src/registry-server/storage/drivers/filesystem.ts';
import { openRepositories } from '../../src/registry-server/storage/repository.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { digestOf, type ImageBytes, makeImage } from '../helpers/image-layout.ts';

const retry = { attempts: 3, firstDelay: 1, longestDelay: 5 };
const never = new Promise<never>(() => {});
/** More than what is fetched before anything is answered. */
const large = Buffer.alloc(3 * 1024 * 1024, 'large layer ');
const small = Buffer.from('small layer');

interface Rig extends AsyncDisposable {
  readonly upstream: FaultyRegistry;
  readonly proxy: RegistryProxy;
  readonly storage: StorageDriver;
  readonly folder: string;
  /** Another cache over the same storage, as after a restart. */
  again(section?: object): RegistryProxy;
}

async function startRig(section: object = {}): Promise<Rig> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-proxy-'));
  const upstream = await startFaultyRegistry();
  const storage = openFilesystem({ rootdirectory: folder });
  const made: RegistryProxy[] = [];
  const again = (more: object = {}): RegistryProxy => {
    const upstreams = upstreamsOf(proxySection.parse({ remoteurl: `http://${upstream.host}`, ...section, ...more }));
    const local = openRepositories(storage);
    const proxy = createProxy({ upstreams, storage, local, retry, log: silentLogger, clock: createFakeClock() });
    made.push(proxy);
    return proxy;
  };
  return {
    ...{ upstream, storage, folder, again, proxy: again() },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      for (const proxy of made) await proxy.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** An image whose one layer is these bytes as they are. */
function imageOf(layer: Buffer): ImageBytes {
  const digest = digestOf(layer);
  const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: layer.length }];
  const image = makeImage([], { manifest: { layers } });
  return { ...image, blobs: new Map([...image.blobs, [digest, layer]]) };
}

const read = async (blob: StoredBlob): Promise<string> => text(await blob.read());
const gets = ({ requests }: FaultyRegistry, part: string): number =>
  requests.filter(({ method, path: target }) => method === 'GET' && target.includes(part)).length;

test('what is pulled once is kept, and served without the upstream', async () => {
  await using rig = await startRig();
  const image = imageOf(large);
  rig.upstream.serve('v1', image);
  const repository = await rig.proxy.open('team/app');
  const manifest = await repository.manifest('v1');
  assert.equal(manifest.digest, image.manifest.digest);
  assert.equal(await read(await repository.blob(digestOf(large))), large.toString());
  await rig.proxy.settled();
  rig.upstream.fault = () => ({ status: 500 });
  const later = await rig.again().open('team/app');
  assert.deepEqual(await later.manifest(image.manifest.digest), manifest);
  assert.equal((await later.manifest('v1')).digest, manifest.digest, 'while the upstream is away');
  assert.equal(await read(await later.blob(digestOf(large))), large.toString());
  assert.equal(gets(rig.upstream, 'blobs/'), 1);
});

test('a tag is asked for each time, and fetched again when it has moved', async () => {
  await using rig = await startRig();
  const [one, two] = [imageOf(small), imageOf(large)];
  rig.upstream.serve('v1', one);
  const repository = await rig.proxy.open('app');
  assert.equal((await repository.manifest('v1')).digest, one.manifest.digest);
  assert.equal((await repository.manifest('v1')).digest, one.manifest.digest);
  assert.equal(gets(rig.upstream, 'manifests/v1'), 1);
  rig.upstream.serve('v1', two);
  assert.equal((await repository.manifest('v1')).digest, two.manifest.digest);
  rig.upstream.fault = ({ path: target }) => (target.endsWith('v1') ? { status: 404 } : undefined);
  await assert.rejects(repository.manifest('v1'), { kind: 'not-found', code: 'manifest-unknown' });
  rig.upstream.fault = () => ({ status: 503 });
  await assert.rejects(repository.manifest('v1'), { kind: 'unavailable' }, 'a tag that was deleted there is forgotten');
});

test('clients at the same time share one fetch and read along, and one that leaves does not stop it', async () => {
  await using rig = await startRig();
  rig.upstream.serve('v1', imageOf(large));
  const rest = Promise.withResolvers<void>();
  rig.upstream.fault = ({ path: target }) =>
    target.includes(digestOf(large)) ? { hold: rest.promise, begin: 1_000_000 } : undefined;
  const repository = await rig.proxy.open('app');
  const blobs = await Promise.all(Array.from({ length: 5 }, () => repository.blob(digestOf(large))));
  const [leaving, first] = await Promise.all([blobs[0]?.read(), blobs[1]?.read()]);
  assert.ok(leaving && first);
  leaving.on('error', () => {});
  const along = await new Promise<number>((resolve) => {
    let seen = 0;
    leaving.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen >= 900_000) resolve(seen); // all that came but what is held back
    });
  });
  assert.ok(along <= 1_000_000 - 64 * 1024);
  leaving.destroy();
  const others = blobs.slice(2).map(read);
  const part = text(await (await repository.blob(digestOf(large))).read({ start: 999_990, end: 1_000_009 }));
  rest.resolve();
  assert.equal(await text(first), large.toString());
  for (const other of await Promise.all(others)) assert.equal(other, large.toString());
  assert.equal(await part, large.subarray(999_990, 1_000_010).toString());
  await rig.proxy.settled();
  assert.equal(gets(rig.upstream, digestOf(large)), 1);
  assert.deepEqual(readdirSync(rig.folder), ['docker'], 'nothing else is left');
});

test('a connection that is cut is taken up where it was', async () => {
  await using rig = await startRig();
  rig.upstream.serve('v1', imageOf(large));
  rig.upstream.fault = ({ path: target, earlier }) =>
    target.includes(digestOf(large)) && earlier < 3 ? { cutAfter: 700_000 } : undefined;
  const repository = await rig.proxy.open('app');
  assert.equal(await read(await repository.blob(digestOf(large))), large.toString());
  const ranges = rig.upstream.requests.map(({ headers }) => headers.range).filter(Boolean);
  assert.equal(ranges.length, 3);
});

test('an upstream that begins again after a cut is read past what came before', async () => {
  await using rig = await startRig();
  rig.upstream.ranges = false;
  rig.upstream.serve('v1', imageOf(large));
  rig.upstream.fault = ({ path: target, earlier }) =>
    target.includes(digestOf(large)) && earlier === 0 ? { cutAfter: 700_000 } : undefined;
  const repository = await rig.proxy.open('app');
  assert.equal(await read(await repository.blob(digestOf(large))), large.toString());
});

test('wrong bytes are never served whole, and not kept', async () => {
  await using rig = await startRig();
  for (const layer of [small, large]) rig.upstream.serve('v1', imageOf(layer));
  const wrong = (layer: Buffer): Buffer => Buffer.concat([layer.subarray(1), Buffer.from('!')]);
  rig.upstream.fault = ({ path: target }) => {
    const layer = [small, large].find((bytes) => target.includes(digestOf(bytes)));
    return layer ? { bytes: wrong(layer) } : undefined;
  };
  const repository = await rig.proxy.open('app');
  await assert.rejects(repository.blob(digestOf(small)), { code: 'upstream-digest-mismatch' });
  const stream = await (await repository.blob(digestOf(large))).read();
  let seen = 0;
  await assert.rejects(
    async () => {
      for await (const chunk of stream) seen += (chunk as Buffer).length;
    },
    { code: 'upstream-digest-mismatch' },
  );
  assert.ok(seen <= large.length - 64 * 1024, `${seen} bytes were served`);
  await rig.proxy.settled();
  rig.upstream.fault = () => undefined;
  assert.equal(await read(await repository.blob(digestOf(large))), large.toString());
});

test('what the upstream does not have, refuses or cannot give is told as such', async () => {
  await using rig = await startRig();
  const repository = await rig.proxy.open('app');
  await assert.rejects(repository.manifest('none'), { kind: 'not-found', code: 'manifest-unknown' });
  await assert.rejects(repository.blob(digestOf(small)), { kind: 'not-found', code: 'blob-unknown' });
  rig.upstream.fault = () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="there"' } });
  await assert.rejects(repository.manifest('none'), { kind: 'unavailable', code: 'upstream-login' });
  rig.upstream.fault = () => ({ status: 429, headers: { 'retry-after': '3600' } });
  await assert.rejects(repository.manifest('none'), { kind: 'unavailable', code: 'registry-busy' });
});

test('bytes of another repository are not fetched again, once the upstream says that they are there too', async () => {
  await using rig = await startRig();
  rig.upstream.serve('v1', imageOf(small));
  await read(await (await rig.proxy.open('one')).blob(digestOf(small)));
  await rig.proxy.settled();
  assert.equal(await read(await (await rig.proxy.open('two')).blob(digestOf(small))), small.toString());
  assert.equal(gets(rig.upstream, digestOf(small)), 1);
  rig.upstream.fault = () => ({ status: 404 });
  await assert.rejects((await rig.proxy.open('three')).blob(digestOf(small)), { kind: 'not-found' });
});

test('repositories of an upstream cannot be written to, and others can', async () => {
  await using rig = await startRig();
  const proxy = rig.again({ remoteurl: '', upstreams: { hub: { remoteurl: `http://${rig.upstream.host}/sub` } } });
  await assert.rejects((await proxy.open('hub/app')).startUpload(), { kind: 'unsupported', message: /push it there/ });
  await (await (await proxy.open('hubs/app')).startUpload()).cancel();
  rig.upstream.serve('v1', imageOf(small));
  await (await proxy.open('hub/app')).manifest('v1');
  assert.equal(gets(rig.upstream, '/v2/sub/app/manifests/v1'), 1);
});

test('fetching ends when the cache is closed', async () => {
  await using rig = await startRig();
  rig.upstream.serve('v1', imageOf(large));
  rig.upstream.fault = ({ path: target }) =>
    target.includes(digestOf(large)) ? { hold: never, begin: 100 } : undefined;
  const blob = await (await rig.proxy.open('app')).blob(digestOf(large));
  const reading = assert.rejects(read(blob), { kind: 'cancelled' });
  await rig.proxy.close();
  await reading;
});

test('names lead to upstreams by prefix, the longest first, and by namespace', () => {
  const names = createProxiedNames(
    upstreamsOf(
      proxySection.parse({
        remoteurl: 'https://rest.example',
        upstreams: {
          hub: { remoteurl: 'https://registry-1.docker.io' },
          'hub/inner': { remoteurl: 'https://inner.example/folder/', namespaces: ['Alias'] },
        },
      }),
    ),
  );
  const found = (name: string) => {
    const proxied = names.find(name);
    return `${proxied?.upstream.url.host} ${proxied?.remoteName}`;
  };
  assert.equal(found('hub/busybox'), 'registry-1.docker.io library/busybox');
  assert.equal(found('hub/team/app'), 'registry-1.docker.io team/app');
  assert.equal(found('hub/inner/app'), 'inner.example folder/app');
  assert.equal(found('hub'), 'rest.example hub');
  assert.equal(names.nameOf('library/busybox', 'docker.io'), 'hub/library/busybox');
  assert.equal(names.nameOf('app', 'alias'), 'hub/inner/app');
  assert.equal(names.nameOf('app', 'rest.example'), 'app');
  assert.equal(names.nameOf('app', 'unknown.example'), 'app');
});

test('credentials in an address are refused, and nothing of them is repeated', () => {
  const parsed = proxySection.safeParse({ remoteurl: 'https://user:hidden@hub.example' });
  assert.equal(parsed.success, false);
  assert.doesNotMatch(String(parsed.error), /hidden/);
});
