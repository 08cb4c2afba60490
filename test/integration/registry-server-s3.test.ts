import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '../../src/base/log.ts';
import { type RunResult, run } from '../../src/base/process.ts';
import { s3Section } from '../../src/registry-server/config/s3.ts';
import type { StorageDriver } from '../../src/registry-server/contract.ts';
import { collect } from '../../src/registry-server/gc/collect.ts';
import { openS3 } from '../../src/registry-server/storage/drivers/s3.ts';
import { purgeUploads } from '../../src/registry-server/storage/purge.ts';
import { testStorageDriver } from '../../src/registry-server/storage/storage.contract-suite.ts';
import { startBalancer } from '../helpers/balancer.ts';
import { pushThroughCollections } from '../helpers/collected-registry.ts';
import { digestOf, type ImageBytes, makeImage, writeLayout } from '../helpers/image-layout.ts';
import { pushThroughKills } from '../helpers/killed-registry.ts';
import { openAll } from '../helpers/open-all.ts';
import { putImage } from '../helpers/put-image.ts';
import { type S3Parameters, type S3Store, s3StoreMissing, startS3Store } from '../helpers/s3-store.ts';
import { startTugRegistry, type TugRegistry } from '../helpers/tug-registry.ts';

const mebibyte = 1024 * 1024;
/** The least that a store takes as a part, so that little content makes several. */
const smallest = {
  chunksize: 5 * mebibyte,
  multipartcopythresholdsize: 6 * mebibyte,
  multipartcopychunksize: 5 * mebibyte,
};

/** What a client says whose server went away while it sent or waited for the answer. */
const brokenConnection =
  /EOF|connection reset|broken pipe|use of closed network connection|server closed|transport connection broken/;

/** Milliseconds that collections leave what nobody needs. */
const grace = 2000;

describe('a registry in an S3-compatible store', { skip: s3StoreMissing }, () => {
  let store: S3Store;
  let contract: S3Parameters;
  let bucket: S3Parameters;
  const registries: TugRegistry[] = [];
  before(async () => {
    store = await startS3Store();
    contract = await store.bucket('contract');
    bucket = await store.bucket('registry');
    const config: Record<string, object> = {
      storage: { filesystem: undefined, s3: { ...bucket, ...smallest } },
      gc: { grace: `${grace}ms` },
    };
    registries.push(...(await openAll(...[0, 1, 2].map(() => startTugRegistry({ config })))));
  });
  after(async () => {
    for (const registry of registries) await registry[Symbol.asyncDispose]();
    await store?.[Symbol.asyncDispose]();
  });
  const hosts = (): string[] => registries.map(({ host }) => host);
  const url = (which: number, rest: string): string => `http://${hosts()[which]}/v2/${rest}`;
  const openBucket = (): StorageDriver => openS3(s3Section.parse({ ...bucket, ...smallest }));

  testStorageDriver('s3', () => openS3(s3Section.parse({ ...contract, rootdirectory: '/some/folder/', ...smallest })));

  it('collects what nothing needs, whichever process stored it', async () => {
    const [goes, stays] = [makeImage([randomBytes(100)]), makeImage([randomBytes(200)])];
    await putImage(goes, hosts()[0] ?? '', 'collected', 'goes');
    await putImage(stays, hosts()[1] ?? '', 'collected', 'stays');
    const gone = await fetch(url(2, `collected/manifests/${goes.manifest.digest}`), { method: 'DELETE' });
    assert.equal(gone.status, 202);
    const storage = openBucket();
    const removed: string[] = [];
    await collect(storage, { grace: -60_000, removed: (digest) => removed.push(digest) }); // nobody pushes
    await storage.close?.();
    for (const digest of goes.blobs.keys()) assert.ok(removed.includes(digest), digest);
    for (const digest of stays.blobs.keys()) assert.ok(!removed.includes(digest), digest);
    await assertWhole(url(0, 'collected'), 'stays', stays);
  });

  it('goes on with an upload at any process', async () => {
    const content = randomBytes(3 * mebibyte);
    const answer = await fetch(url(0, 'passed/blobs/uploads/'), { method: 'POST' });
    assert.equal(answer.status, 202);
    const location = new URL(answer.headers.get('location') ?? '', url(0, '')).pathname.slice('/v2/'.length);
    const send = (which: number, from: number, to: number): Promise<Response> =>
      fetch(url(which, location), {
        method: 'PATCH',
        body: content.subarray(from, to),
        headers: { 'content-range': `${from}-${to - 1}`, 'content-type': 'application/octet-stream' },
      });
    assert.equal((await send(1, 0, mebibyte)).status, 202);
    assert.equal((await send(2, mebibyte, 2 * mebibyte)).status, 202);
    assert.equal((await send(0, mebibyte, 2 * mebibyte)).status, 416, 'that was sent');
    assert.equal((await send(0, 2 * mebibyte, content.length)).status, 202);
    const digest = digestOf(content);
    const done = await fetch(url(1, `${location}?digest=${digest}`), { method: 'PUT' });
    assert.equal(done.status, 201);
    const got = await fetch(url(2, `passed/blobs/${digest}`));
    assert.equal(digestOf(Buffer.from(await got.arrayBuffer())), digest);
    const part = await fetch(url(0, `passed/blobs/${digest}`), { headers: { range: 'bytes=1000-1999' } });
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), content.subarray(1000, 2000));
  });

  it('shows nothing of an upload whose digest is another', async () => {
    const content = randomBytes(1000);
    const wrong = digestOf(Buffer.from('something else'));
    const answer = await fetch(url(0, 'wrong/blobs/uploads/'), { method: 'POST' });
    const location = new URL(answer.headers.get('location') ?? '', url(0, '')).pathname.slice('/v2/'.length);
    await fetch(url(1, location), { method: 'PATCH', body: content });
    const done = await fetch(url(2, `${location}?digest=${wrong}`), { method: 'PUT' });
    assert.equal(done.status, 400);
    assert.match(await done.text(), /DIGEST_INVALID/);
    for (const digest of [wrong, digestOf(content)]) {
      assert.equal((await fetch(url(0, `wrong/blobs/${digest}`))).status, 404);
    }
  });

  it('ends a push well whose process is killed in the midst of it', async () => {
    await using balancer = await startBalancer(hosts());
    const image = makeImage([randomBytes(6 * mebibyte), randomBytes(1000)]);
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 's3-push-'));
    try {
      await writeLayout(folder, image);
      let killed: Promise<void> | undefined;
      balancer.onSent = (backend, bytes) => {
        if (bytes < 2 * mebibyte) return;
        killed ??= registries.find(({ host }) => host === backend)?.killAndRestart();
      };
      const push = (): Promise<RunResult> =>
        run('skopeo', ['copy', '--dest-tls-verify=false', `oci:${folder}`, `docker://${balancer.host}/killed:one`]);
      const first = await push();
      assert.ok(killed, `none was killed: ${first.stderr}`);
      await killed;
      // which of the ways that a connection breaks are worth another try to skopeo by itself differs
      assert.match(first.stderr, first.code === 0 ? /^/ : brokenConnection);
      const again = first.code === 0 ? first : await push();
      assert.equal(again.code, 0, again.stderr);
      for (const which of hosts().keys()) await assertWhole(url(which, 'killed'), 'one', image);
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
    await assertVerified(openBucket());
  });

  it('keeps every image whose push was answered, whatever its processes collect meanwhile', async () => {
    const storage = openBucket();
    let pushing = true;
    const collecting = (async () => {
      do await collect(storage, { grace });
      while (pushing);
    })();
    collecting.catch(() => undefined); // told when it is awaited
    try {
      const acknowledged = await pushThroughCollections(registries, { rounds: 3 });
      pushing = false;
      await collecting;
      const last = makeImage([randomBytes(300)]); // where the machine is slow, pushes before it were too slow for the grace
      await putImage(last, hosts()[1] ?? '', 'app0', 'last');
      await assertWhole(url(2, 'app0'), 'last', last);
      for (const [name, image] of acknowledged) {
        const [repository = '', tag = ''] = name.split(':');
        await assertWhole(url(0, repository), tag, image);
      }
    } finally {
      pushing = false;
      await Promise.allSettled([collecting]);
      await storage.close?.();
    }
  });

  const killing = process.env['TUG_REGISTRY_KILL_SECONDS'] ? false : 'takes long: set TUG_REGISTRY_KILL_SECONDS';
  it('loses no push that was acknowledged when it is killed again and again', { skip: killing }, async (t) => {
    const s3 = { ...(await store.bucket('killed')), ...smallest };
    await using registry = await startTugRegistry({
      config: { storage: { filesystem: undefined, s3 } } as Record<string, object>,
    });
    t.diagnostic(await pushThroughKills(registry, 3));
  });

  it('removes what joins that were killed have left, when it is old, and nothing of other users of the bucket', async () => {
    const { bucket: Bucket, accesskey: accessKeyId, secretkey: secretAccessKey, ...at } = await store.bucket('shared');
    const { S3Client, CreateMultipartUploadCommand, ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3');
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({ region: at.region, endpoint: at.regionendpoint, forcePathStyle: true, credentials });
    const section = { ...at, bucket: Bucket, accesskey: accessKeyId, secretkey: secretAccessKey, rootdirectory: 'own' };
    const storage = openS3(s3Section.parse(section));
    try {
      const ours = ['own/docker/registry/v2/blobs/a/data', 'own/docker/registry/v2/blobs/b/data'];
      for (const Key of [...ours, 'others/file']) await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const left = async (): Promise<(string | undefined)[]> =>
        ((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []).map(({ Key }) => Key).sort();
      const round = (age: number, dryrun: boolean): Promise<void> =>
        purgeUploads(storage, { age, dryrun }, silentLogger, new Set());
      const hour = 3_600_000;
      await round(hour, false);
      await round(-hour, true);
      assert.deepEqual(await left(), ['others/file', ...ours]);
      await round(-hour, false);
      assert.deepEqual(await left(), ['others/file']);
    } finally {
      client.destroy();
      await storage.close?.();
    }
  });

  it('says that the bucket cannot be reached, and works again when it can', async () => {
    await store.halt();
    const answer = await fetch(url(0, 'collected/tags/list'));
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /UNAVAILABLE.*the bucket \\"registry\\" cannot be used now/);
    await store.resume();
    assert.deepEqual(await (await fetch(url(0, 'collected/tags/list'))).json(), { name: 'collected', tags: ['stays'] });
  });

  it('refuses what cannot be right in the configuration', async () => {
    const program = path.resolve(import.meta.dirname, '../../bin/tug-registry.mjs');
    const serve = (s3: Record<string, string>): ReturnType<typeof run> =>
      run(process.execPath, [program, 'serve'], { env: { PATH: process.env['PATH'] ?? '', ...s3 } });
    const end = await serve({ REGISTRY_STORAGE_S3_BUCKET: 'b', REGISTRY_STORAGE_S3_ACCESSKEY: 'a' });
    assert.equal(end.code, 1);
    assert.match(end.stderr, /accesskey and secretkey are given together/);
    assert.match(end.stderr, /needs region or regionendpoint/);
  });
});

async function assertWhole(repository: string, tag: string, image: ImageBytes): Promise<void> {
  const manifest = await fetch(`${repository}/manifests/${tag}`, { headers: { accept: image.manifest.mediaType } });
  assert.equal(digestOf(Buffer.from(await manifest.arrayBuffer())), image.manifest.digest);
  for (const { digest } of [image.config, ...image.layers]) {
    const blob = await fetch(`${repository}/blobs/${digest}`);
    assert.equal(digestOf(Buffer.from(await blob.arrayBuffer())), digest);
  }
}

/** All that lies under a digest has it. */
async function assertVerified(storage: StorageDriver): Promise<void> {
  const blobs = '/docker/registry/v2/blobs/sha256';
  for await (const start of storage.list(blobs)) {
    for await (const hex of storage.list(`${blobs}/${start}`)) {
      assert.equal(digestOf(await storage.get(`${blobs}/${start}/${hex}/data`)), `sha256:${hex}`);
    }
  }
  await storage.close?.();
}
