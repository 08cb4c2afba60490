import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { test } from 'node:test';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { type ImageBytes, makeImage } from '../helpers/image-layout.ts';
import { type PullRig, startPullRig } from '../helpers/pull-rig.ts';

const layer = (bytes: number): Buffer => randomBytes(bytes);
const tries = 4; // the rig's policy

interface Scene extends AsyncDisposable {
  readonly registry: FaultyRegistry;
  readonly rig: PullRig;
  readonly image: ImageBytes;
  readonly name: string;
  /** Digest and bytes of the image's second layer, the one that the faults hit. */
  readonly digest: string;
  readonly bytes: Buffer;
  /** Requests for that layer so far, as their `Range`. */
  asked(): (string | undefined)[];
}

/** A registry with an image of two layers, and an engine that has pulled another one. */
async function setScene(): Promise<Scene> {
  const registry = await startFaultyRegistry();
  const rig = await startPullRig();
  registry.serve('old', makeImage([layer(100)]));
  await rig.run(`${registry.host}/app:old`);
  const image = makeImage([layer(1000), layer(300_000)]);
  registry.serve('v1', image);
  const digest = image.layers[1]?.digest ?? '';
  return {
    ...{ registry, rig, image, digest, name: `${registry.host}/app:v1` },
    bytes: image.blobs.get(digest) ?? Buffer.alloc(0),
    asked: () => registry.requests.filter(({ path }) => path.endsWith(digest)).map(({ headers }) => headers.range),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** What must hold after a failed pull: the state as before, no lease, no half-made blob but those that may be resumed. */
async function assertUntouched({ rig, image, registry, digest }: Scene, partials: 0 | 1): Promise<void> {
  assert.deepEqual(
    rig.images.ids().map((id) => rig.images.get(id)?.tags),
    [[`${registry.host}/app:old`]],
  );
  assert.equal(rig.images.get(image.config.digest), undefined);
  assert.equal(rig.content.has(digest), false);
  assert.deepEqual(rig.database.all('SELECT * FROM leases'), []);
  assert.equal((await rig.partials()).length, partials);
}

test('resumes a download that was cut where it ended', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, image, asked } = scene;
  registry.fault = ({ path, earlier }) => (path.endsWith(digest) && earlier < 2 ? { cutAfter: 100_000 } : undefined);
  const { id } = await rig.run(name);
  assert.equal(id, image.config.digest);
  const [first, ...ranges] = asked();
  const starts = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
  assert.equal(first, undefined);
  assert.ok(starts.length === 2 && starts.every((start, at) => start > (starts[at - 1] ?? 0)), String(starts));
  assert.deepEqual(await rig.partials(), []);
});

test('begins again where the registry does not do ranges', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, image } = scene;
  registry.ranges = false;
  registry.fault = ({ path, earlier }) => (path.endsWith(digest) && earlier === 0 ? { cutAfter: 100_000 } : undefined);
  assert.equal((await rig.run(name)).id, image.config.digest);
});

test('gives up after a bounded number of cuts, says so, and the next pull goes on from there', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, image, asked } = scene;
  registry.fault = ({ path, headers }) =>
    path.endsWith(digest) ? { cutAfter: headers.range === undefined ? 150_000 : 0 } : undefined;
  await assert.rejects(rig.run(name), {
    kind: 'unavailable',
    message: new RegExp(
      `^the download of ${digest} stopped at [\\d.]+kB of 300\\.\\dkB after ${tries} tries: registry ${registry.host}: the connection was cut .*: pull again to go on from there$`,
    ),
  });
  assert.equal(asked().length, tries);
  await assertUntouched(scene, 1);

  registry.fault = () => undefined;
  assert.equal((await rig.run(name)).id, image.config.digest);
  assert.match(asked().at(-1) ?? '', /^bytes=[1-9]\d+-$/);
  assert.deepEqual(await rig.partials(), []);
});

test('refuses a layer with a flipped bit and keeps nothing of it', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, bytes, asked } = scene;
  const flipped = Buffer.from(bytes);
  flipped[1234] = (flipped[1234] ?? 0) ^ 0x10;
  registry.fault = ({ path }) => (path.endsWith(digest) ? { bytes: flipped } : undefined);
  await assert.rejects(rig.run(name), {
    code: 'digest-mismatch',
    message: new RegExp(`^filesystem layer verification failed for digest ${digest}: `),
  });
  assert.equal(asked().length, 1);
  await assertUntouched(scene, 0);
});

test('refuses another blob under a layer’s digest, also one with the right size', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, bytes } = scene;
  registry.fault = ({ path }) => (path.endsWith(digest) ? { bytes: randomBytes(bytes.length) } : undefined);
  await assert.rejects(rig.run(name), { code: 'digest-mismatch' });
  await assertUntouched(scene, 0);
  registry.fault = ({ path }) => (path.endsWith(digest) ? { bytes: randomBytes(bytes.length + 1) } : undefined);
  await assert.rejects(rig.run(name), { code: 'size-mismatch' });
  await assertUntouched(scene, 0);
});

test('refuses a layer that the registry has only a part of', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, bytes } = scene;
  registry.fault = ({ path }) => (path.endsWith(digest) ? { bytes: bytes.subarray(0, 1000) } : undefined);
  await assert.rejects(rig.run(name), {
    code: 'size-mismatch',
    message: `blob ${digest} should have ${bytes.length} bytes by the manifest, registry ${registry.host} has 1000`,
  });
  await assertUntouched(scene, 0);
});

test('throws a resumed part away that turns out wrong, and fetches the layer whole', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, image, asked } = scene;
  registry.fault = ({ path, earlier }) => {
    if (!path.endsWith(digest)) return undefined;
    return earlier < tries ? { cutAfter: earlier === 0 ? 150_000 : 0 } : undefined;
  };
  await assert.rejects(rig.run(name), { kind: 'unavailable' });
  await damagePartial(rig);
  assert.equal((await rig.run(name)).id, image.config.digest);
  const [resumed, whole] = asked().slice(-2);
  assert.match(resumed ?? '', /^bytes=[1-9]\d+-$/);
  assert.equal(whole, undefined);
});

test('refuses a manifest whose bytes are not those of its digest', async () => {
  await using scene = await setScene();
  const { registry, rig, name, image } = scene;
  const other = image.blobs.get(image.config.digest) ?? Buffer.alloc(0);
  registry.fault = ({ path }) =>
    path.includes('/manifests/') ? { bytes: other, digest: image.manifest.digest } : undefined;
  for (const wanted of [name, `${registry.host}/app@${image.manifest.digest}`]) {
    await assert.rejects(rig.run(wanted), {
      code: 'digest-mismatch',
      message: new RegExp(`^manifest verification failed for digest ${image.manifest.digest}: `),
    });
  }
  await assertUntouched(scene, 0);
});

test('says in Docker’s words that a manifest is not there', async () => {
  await using scene = await setScene();
  const { registry, rig } = scene;
  await assert.rejects(rig.run(`${registry.host}/app:none`), {
    kind: 'not-found',
    message: `manifest for ${registry.host}/app:none not found: manifest unknown: manifest unknown`,
  });
  registry.fault = ({ path }) => (path.includes('/manifests/') ? { status: 404 } : undefined);
  const said: unknown[] = [];
  const request = { reference: `${registry.host}/app:old`, platform: undefined, auth: undefined };
  await assert.rejects(
    rig.pull(request, (line) => said.push(line), new AbortController().signal),
    { kind: 'not-found' },
  );
  assert.deepEqual(said, [], 'nothing is said before the image is found');
  await assertUntouched(scene, 0);
});

test('says which blob is missing when a registry has lost one', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest } = scene;
  registry.fault = ({ path }) => (path.endsWith(digest) ? { status: 404 } : undefined);
  await assert.rejects(rig.run(name), { kind: 'not-found', message: new RegExp(`^blob .*@${digest} not found`) });
  await assertUntouched(scene, 0);
});

test('waits as long as a busy registry asks, within bounds', async () => {
  await using scene = await setScene();
  const { registry, rig, name, image, digest } = scene;
  const limited = { status: 429, body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}' };
  registry.fault = ({ path, earlier }) => {
    const hit = path.endsWith(digest) || path.endsWith('manifests/v1');
    return hit && earlier === 0 ? { ...limited, headers: { 'retry-after': '1' } } : undefined;
  };
  const begun = performance.now();
  const { id, lines } = await rig.run(name);
  assert.equal(id, image.config.digest);
  assert.ok(performance.now() - begun > 1900);
  assert.ok(lines.some(({ status }) => status === 'Retrying in 1 second'));

  registry.serve('v2', makeImage([layer(10)]));
  registry.fault = () => ({ ...limited, headers: { 'retry-after': '3600' } });
  await assert.rejects(rig.run(`${registry.host}/app:v2`), {
    kind: 'unavailable',
    message: /^toomanyrequests: slow down/,
  });
});

test('tries again when a registry fails for a moment, and not for ever', async () => {
  await using scene = await setScene();
  const { registry, rig, name, image } = scene;
  registry.fault = ({ earlier }) => (earlier === 0 ? { status: 503 } : undefined);
  assert.equal((await rig.run(name)).id, image.config.digest);
  registry.fault = () => ({ status: 503 });
  await assert.rejects(rig.run(`${registry.host}/app:other`), {
    message: `registry ${registry.host} answered with status 503`,
  });
  assert.equal(registry.requests.filter(({ path }) => path.endsWith('/other')).length, tries);
});

test('says which registry cannot be reached', async () => {
  await using rig = await startPullRig();
  await assert.rejects(rig.run('127.0.0.1:1/app'), {
    kind: 'unavailable',
    message: /^registry 127\.0\.0\.1:1: connection refused: check the address/,
  });
});

test('a failing layer ends the other downloads, and they have ended when the error comes', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, image } = scene;
  const hold = Promise.withResolvers<void>();
  const other = image.layers[0]?.digest ?? '';
  registry.fault = ({ path }) => {
    if (path.endsWith(other)) return { hold: hold.promise, begin: 100 };
    return path.endsWith(digest) ? { status: 404 } : undefined;
  };
  await assert.rejects(rig.run(name), { kind: 'not-found' });
  await assertUntouched(scene, (await rig.partials()).length === 1 ? 1 : 0);
  hold.resolve();
});

test('a layer that cannot be unpacked fails the pull; its blob stays, and nothing is recorded', async () => {
  await using registry = await startFaultyRegistry();
  const broken = new Error('layer escapes');
  await using rig = await startPullRig({ unpack: () => Promise.reject(broken) });
  const image = makeImage([layer(10), layer(20)]);
  registry.serve('v1', image);
  await assert.rejects(rig.run(`${registry.host}/app:v1`), broken);
  assert.deepEqual([rig.images.ids(), rig.database.all('SELECT * FROM leases')], [[], []]);
});

test('a cancelled pull ends at once and keeps the part for the next', async () => {
  await using scene = await setScene();
  const { registry, rig, name, digest, image, asked } = scene;
  const hold = Promise.withResolvers<void>();
  registry.fault = ({ path, earlier }) =>
    path.endsWith(digest) && earlier === 0 ? { hold: hold.promise, begin: 70_000 } : undefined;
  const controller = new AbortController();
  const request = { reference: name, platform: undefined, auth: undefined };
  const stop = (line: { status?: string; progressDetail?: { total?: number } }): void => {
    if (line.status === 'Downloading' && (line.progressDetail?.total ?? 0) > 100_000) controller.abort();
  };
  await assert.rejects(rig.pull(request, stop, controller.signal), { kind: 'cancelled' });
  await assertUntouched(scene, 1);
  hold.resolve();
  assert.equal((await rig.run(name)).id, image.config.digest);
  assert.match(asked().at(-1) ?? '', /^bytes=[1-9]\d+-$/);
});

async function damagePartial(rig: PullRig): Promise<void> {
  const [name] = await rig.partials();
  await using file = await open(`${rig.root}/content/ingest/${name}`, 'r+');
  await file.write(Buffer.from('damaged'), 0, 7, 10);
}
