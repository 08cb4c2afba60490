import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { mediaTypes } from '../../api/oci/image.ts';
import { isKind } from '../../base/errors.ts';
import { sha256 } from '../../formats/digest.ts';
import type { OpenRepository, Repository, StorageDriver } from '../contract.ts';
import { openFilesystem } from '../storage/drivers/filesystem.ts';
import { blobData, layerLink } from '../storage/paths.ts';
import { openRepositories } from '../storage/repository.ts';
import { condemnedFolder } from './care-paths.ts';
import { collect } from './collect.ts';
import { condemn, forgetOldCondemned } from './condemned.ts';
import { createKeeper } from './keeper.ts';
import { asOnlyCollector } from './lease.ts';

interface Rig extends AsyncDisposable {
  readonly storage: StorageDriver;
  readonly open: OpenRepository;
  /** As another process of the registry has it. */
  another(): OpenRepository;
}

async function startRig(grace: number): Promise<Rig> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'collect-'));
  const storage = openFilesystem({ rootdirectory: folder });
  const another = (): OpenRepository => openRepositories(storage, undefined, createKeeper(storage, grace));
  return {
    storage,
    open: another(),
    another,
    [Symbol.asyncDispose]: () => fs.rm(folder, { recursive: true }),
  };
}

async function pushBlob(repository: Repository, content: Buffer): Promise<{ digest: string; size: number }> {
  const digest = sha256(content);
  const upload = await repository.startUpload();
  await upload.append(0, Readable.from([content]));
  await upload.commit(digest);
  return { digest, size: content.length };
}

const manifestOf = (config: { digest: string; size: number }, layers: { digest: string; size: number }[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: layers.map((layer) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer })),
    }),
  );

/** Pushes as clients do: asks whether a blob is there, sends it where not, then the manifest. */
async function pushImage(repository: Repository, tag: string, contents: Buffer[]): Promise<string> {
  const parts: { digest: string; size: number }[] = [];
  for (const content of contents) {
    const there = await repository.holdBlob?.(sha256(content)).catch(() => undefined);
    parts.push(there ? { digest: sha256(content), size: content.length } : await pushBlob(repository, content));
  }
  const [config = { digest: '', size: 0 }, ...layers] = parts;
  return (await repository.putManifest(tag, mediaTypes.ociManifest, manifestOf(config, layers))).digest;
}

const at = (storage: StorageDriver, digest: string): Promise<boolean> =>
  storage.stat(blobData(digest)).then((stats) => stats !== undefined);

test('what no manifest needs is removed, the rest is kept', async () => {
  await using rig = await startRig(0);
  const repository = await rig.open('team/app');
  const other = await rig.open('other');
  const [config, layer, loose] = [randomBytes(10), randomBytes(1000), randomBytes(100)];
  await pushImage(repository, 'one', [config, layer]);
  await pushBlob(repository, loose);
  await other.mount(sha256(layer), 'team/app');

  const said: string[] = [];
  const asked = await collect(rig.storage, { grace: 0, dryRun: true, removed: (digest) => said.push(digest) });
  assert.deepEqual(said, [sha256(loose)]);
  assert.equal(await at(rig.storage, sha256(loose)), true, 'a dry run removes nothing');

  const done = await collect(rig.storage, { grace: 0 });
  assert.deepEqual(done, asked);
  assert.deepEqual(done, { blobs: 1, bytes: 100, links: 2, damaged: [] });
  assert.equal(await at(rig.storage, sha256(loose)), false);
  assert.equal(await at(rig.storage, sha256(layer)), true);
  await assert.rejects(repository.blob(sha256(loose)), (error) => isKind(error, 'not-found'));
  await assert.rejects(other.blob(sha256(layer)), (error) => isKind(error, 'not-found'));
  assert.deepEqual(await collect(rig.storage, { grace: 0 }), { blobs: 0, bytes: 0, links: 0, damaged: [] });
});

test('a manifest that was removed takes its blobs with it, but for those that others need', async () => {
  await using rig = await startRig(0);
  const repository = await rig.open('app');
  const [shared, own] = [randomBytes(50), randomBytes(60)];
  const gone = await pushImage(repository, 'gone', [randomBytes(5), shared, own]);
  await pushImage(repository, 'stays', [randomBytes(5), shared]);
  await repository.deleteManifest(gone);
  assert.equal((await collect(rig.storage, { grace: 0 })).blobs, 3);
  assert.equal(await at(rig.storage, sha256(shared)), true);
  assert.equal(await at(rig.storage, sha256(own)), false);
  assert.equal(await at(rig.storage, gone), false);
});

test('what is younger than the grace time is kept, and so is what a client has asked for', async () => {
  const grace = 1000 * 60 * 60;
  await using rig = await startRig(grace);
  const repository = await rig.open('app');
  const { digest } = await pushBlob(repository, randomBytes(10));
  const age = async (): Promise<void> => {
    const old = new Date(Date.now() - 3 * grace);
    for (const file of [blobData(digest), layerLink('app', digest)]) {
      await fs.utimes(rig.storage.localPath?.(file) ?? '', old, old);
    }
  };
  assert.equal((await collect(rig.storage, { grace })).blobs, 0);
  await age();
  await (await rig.another()('app')).holdBlob?.(digest);
  assert.equal((await collect(rig.storage, { grace })).blobs, 0);
  await age();
  const upload = await (await rig.another()('app')).startUpload();
  assert.equal((await collect(rig.storage, { grace })).blobs, 0, 'a push goes on');
  await upload.cancel();
  assert.equal((await collect(rig.storage, { grace })).blobs, 1);
});

test('a manifest that cannot be read keeps all of its repository', async () => {
  await using rig = await startRig(0);
  const repository = await rig.open('app');
  const digest = await pushImage(repository, 'one', [randomBytes(5), randomBytes(6)]);
  await pushBlob(repository, randomBytes(7));
  await rig.storage.put(blobData(digest), Buffer.from('{"damaged'));
  const done = await collect(rig.storage, { grace: 0 });
  assert.deepEqual(done, { blobs: 0, bytes: 0, links: 0, damaged: [`app@${digest}`] });
});

test('a push waits for a collection that has named its blob, and then sends it again', async () => {
  await using rig = await startRig(0);
  const repository = await rig.open('app');
  const content = randomBytes(10);
  const { digest } = await pushBlob(repository, content);
  const condemned = await condemn(rig.storage, [digest]);
  let answered = false;
  const pushing = pushBlob(repository, content).then(() => {
    answered = true;
  });
  await rig.storage.remove(path.dirname(layerLink('app', digest)));
  await rig.storage.remove(path.dirname(blobData(digest)));
  assert.equal(answered, false);
  await condemned[Symbol.asyncDispose]();
  await pushing;
  assert.deepEqual(await buffer(await (await repository.blob(digest)).read()), content);
});

test('two do not collect at once, and one that failed keeps nobody away', async () => {
  await using rig = await startRig(0);
  const { storage } = rig;
  const done = await asOnlyCollector(storage, async () => {
    assert.equal(await asOnlyCollector(storage, async () => assert.fail('twice')), false);
  });
  assert.equal(done, true);
  await assert.rejects(
    asOnlyCollector(storage, () => Promise.reject(new Error('failed'))),
    /failed/,
  );
  assert.equal(await asOnlyCollector(storage, async () => undefined), true);
});

/** A storage whose process is killed at the change after so many. */
function dyingAfter(storage: StorageDriver, changes: number): StorageDriver {
  let left = changes;
  const counted =
    <T extends unknown[]>(change: (...args: T) => Promise<void>) =>
    (...args: T): Promise<void> => {
      left -= 1;
      return left >= 0 ? change(...args) : Promise.reject(new Error('killed'));
    };
  return { ...storage, put: counted(storage.put), remove: counted(storage.remove), touch: counted(storage.touch) };
}

test('a collection that is killed at any step leaves all that is needed, and nobody waits for it', async () => {
  await using rig = await startRig(0);
  const repository = await rig.open('app');
  const [shared, loose] = [randomBytes(50), randomBytes(60)];
  for (let step = 0; ; step += 1) {
    const gone = await pushImage(repository, 'gone', [randomBytes(5), shared, loose]);
    const stays = await pushImage(repository, 'stays', [Buffer.from('config'), shared]);
    await repository.deleteManifest(gone);
    const collection = collect(dyingAfter(rig.storage, step), { grace: 0 });
    const killed = await collection.then(
      () => false,
      (error: Error) => error.message === 'killed',
    );
    await forgetOldCondemned(rig.storage, Date.now() + 3_600_000); // as the next collection would, in an hour
    const manifest = await repository.manifest('stays');
    assert.equal(manifest.digest, stays);
    assert.deepEqual(await buffer(await (await repository.blob(sha256(shared))).read()), shared);
    if (!killed) break;
    assert.ok(step < 100);
  }
  await collect(rig.storage, { grace: 0 });
  assert.equal(await at(rig.storage, sha256(loose)), false);
  assert.equal(await at(rig.storage, sha256(shared)), true);
});

/** A storage that does something before the operation of that number, from 0 on. */
function interruptedAt(storage: StorageDriver, number: number, interrupt: () => Promise<void>): StorageDriver {
  let count = 0;
  const before = async (): Promise<void> => {
    count += 1;
    if (count - 1 === number) await interrupt();
  };
  const seen =
    <T extends unknown[], R>(operation: (...args: T) => Promise<R>) =>
    async (...args: T): Promise<R> => {
      await before();
      return operation(...args);
    };
  return {
    ...storage,
    ...{ get: seen(storage.get), put: seen(storage.put), stat: seen(storage.stat), remove: seen(storage.remove) },
    async *list(folder, after) {
      await before();
      yield* storage.list(folder, after);
    },
  };
}

/** Resolves `waits` when it finds that a collection has named something. */
function watched(storage: StorageDriver, waits: () => void): StorageDriver {
  return {
    ...storage,
    async *list(folder, after) {
      for await (const name of storage.list(folder, after)) {
        if (folder === condemnedFolder) waits();
        yield name;
      }
    },
  };
}

test('a push that begins at any step of a collection ends well, and its image is whole', async () => {
  const grace = 60 * 60_000;
  for (let step = 0; ; step += 1) {
    await using rig = await startRig(grace);
    const contents = [Buffer.from('config'), Buffer.from('layer')];
    const old = new Date(Date.now() - 3 * grace);
    for (const content of contents) {
      const { digest } = await pushBlob(await rig.open('app'), content);
      for (const file of [blobData(digest), layerLink('app', digest)]) {
        await fs.utimes(rig.storage.localPath?.(file) ?? '', old, old);
      }
    }
    let pushing: Promise<string> | undefined;
    const begin = async (): Promise<void> => {
      const waiting = Promise.withResolvers<void>();
      const storage = watched(rig.storage, waiting.resolve);
      const repository = await openRepositories(storage, undefined, createKeeper(storage, grace))('app');
      pushing = pushImage(repository, 'pushed', contents);
      await Promise.race([pushing, waiting.promise]);
    };
    await collect(interruptedAt(rig.storage, step, begin), { grace });
    if (pushing === undefined) break;
    const repository = await rig.open('app');
    const digest = await pushing;
    assert.equal((await repository.manifest('pushed')).digest, digest, `step ${step}`);
    for (const content of contents) {
      const kept = await buffer(await (await repository.blob(sha256(content))).read());
      assert.deepEqual(kept, content, `step ${step}`);
    }
  }
});

test('pushes and collections at the same time: every image whose push was answered is whole', async () => {
  let grace = 20;
  await using rig = await startRig(grace);
  const contents = Array.from({ length: 6 }, (_, index) => Buffer.from(`content ${index}`));
  const acknowledged = new Map<string, string>();
  let pushing = true;
  const collecting = [1, 2].map(async () => {
    let blobs = 0;
    while (pushing) blobs += (await collect(rig.storage, { grace })).blobs;
    return blobs;
  });
  const push = async (process: number): Promise<void> => {
    const open = rig.another();
    for (let round = 0; round < 8; round += 1) {
      const repository = await open(`app${(round + process) % 2}`);
      const chosen = [0, 1, 2].map(
        (part) => contents[(round * 7 + process + part * part) % contents.length] ?? contents[0],
      );
      const tag = `t${process}`;
      try {
        const digest = await pushImage(
          repository,
          tag,
          chosen.filter((content) => content !== undefined),
        );
        acknowledged.set(`${repository.name}:${tag}`, digest);
      } catch (error) {
        // With so short a grace time a blob may be gone before its manifest comes: the client is told so.
        if (!isKind(error, 'invalid') && !isKind(error, 'not-found')) throw error;
        if (acknowledged.size === 0) grace = Math.min(2 * grace, 2000); // a machine that never pushes an image in that time
      }
      if (round % 5 === 4) {
        const digest = acknowledged.get(`${repository.name}:${tag}`);
        acknowledged.delete(`${repository.name}:${tag}`);
        if (digest !== undefined && process === 0) await repository.deleteTag(tag);
      }
    }
  };
  await Promise.all([0, 1, 2, 3].map(push)).finally(() => {
    pushing = false;
  });
  await Promise.all(collecting);
  await new Promise((resolve) => setTimeout(resolve, 2 * grace));
  await collect(rig.storage, { grace });
  assert.ok(acknowledged.size > 0);
  for (const [name, digest] of acknowledged) {
    const [repository = '', tag = ''] = name.split(':');
    const opened = await rig.open(repository);
    const manifest = await opened.manifest(tag);
    assert.equal(manifest.digest, digest, name);
    const { config, layers } = JSON.parse(String(manifest.content)) as Record<string, never> & {
      config: { digest: string };
      layers: { digest: string }[];
    };
    for (const part of [config, ...layers]) {
      assert.equal(sha256(await buffer(await (await opened.blob(part.digest)).read())), part.digest);
    }
  }
});
