import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { TugError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { runChecked } from '../../src/base/process.ts';
import { chainIds, sha256 } from '../../src/formats/digest.ts';
import { createOverlay2Driver } from '../../src/images/snapshots/drivers/overlay2.ts';
import { createVfsDriver } from '../../src/images/snapshots/drivers/vfs.ts';
import { openTestStores, type TestStores } from '../../src/images/testing/stores.ts';
import { defaultLimits } from '../../src/images/unpack/layer.ts';
import { createLayerUnpacker } from '../../src/images/unpack/unpacker.ts';
import type { Case } from '../fixtures/archives/case.ts';
import { corpus } from '../fixtures/archives/make-corpus.ts';
import { exactTree } from '../helpers/exact-tree.ts';
import { makeSmallDisk, type SmallDisk } from '../helpers/small-disk.ts';

/** A disk of its own: each layer that is committed is synced, which takes long where others write too. */
let disk: SmallDisk;
before(async () => {
  disk = await makeSmallDisk(1024);
});
after(() => disk?.[Symbol.asyncDispose]());

/** Trees of the corpus as GNU tar and umoci unpack them, each made once. */
const judged = new Map<string, Promise<string[]>>();

function judgement(judge: 'tar' | 'umoci', one: Case): Promise<string[]> {
  const key = `${judge} ${one.name}`;
  const known = judged.get(key) ?? unpackers[judge](one, path.join(disk.folder, `${judge}-${judged.size}`));
  judged.set(key, known);
  return known;
}

const unpackers = {
  async tar({ layers, comesTo, impliesFolders = false }: Case, folder: string): Promise<string[]> {
    fs.mkdirSync(folder);
    const flags = ['--same-owner', '--same-permissions', '--numeric-owner', '--delay-directory-restore'];
    const xattrs = ['--xattrs', '--xattrs-include=*', '--xattrs-exclude=trusted.overlay.*'];
    for (const layer of comesTo ? [comesTo] : layers) {
      fs.writeFileSync(`${folder}.tar`, layer);
      await runChecked('tar', ['-x', ...flags, ...xattrs, '-f', `${folder}.tar`, '-C', folder]);
    }
    return exactTree(folder, { folderTimes: impliesFolders });
  },
  async umoci({ layers, comesTo, impliesFolders = false }: Case, folder: string): Promise<string[]> {
    writeLayout(`${folder}.layout`, comesTo ? [comesTo] : layers);
    await runChecked('umoci', ['unpack', '--image', `${folder}.layout:one`, folder]);
    return exactTree(path.join(folder, 'rootfs'), { folderTimes: impliesFolders });
  },
};

/** An OCI image layout (image-layout.md) of one image. */
function writeLayout(folder: string, layers: readonly Buffer[]): void {
  const blobs = path.join(folder, 'blobs/sha256');
  fs.mkdirSync(blobs, { recursive: true });
  const put = (bytes: Buffer, mediaType: string) => {
    const digest = sha256(bytes);
    fs.writeFileSync(path.join(blobs, digest.slice(7)), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const type = (what: string): string => `application/vnd.oci.image.${what}`;
  const rootfs = { type: 'layers', diff_ids: layers.map((layer) => sha256(layer)) };
  const config = put(json({ architecture: 'amd64', os: 'linux', config: {}, rootfs }), type('config.v1+json'));
  const manifest = put(
    json({ schemaVersion: 2, config, layers: layers.map((layer) => put(layer, type('layer.v1.tar'))) }),
    type('manifest.v1+json'),
  );
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'one' } };
  fs.writeFileSync(path.join(folder, 'index.json'), json({ schemaVersion: 2, manifests: [named] }));
  fs.writeFileSync(path.join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
}

const ways = [
  { driver: 'overlay2', createDriver: createOverlay2Driver, cases: corpus, atOnce: false },
  { driver: 'vfs', createDriver: createVfsDriver, cases: corpus, atOnce: false },
  // before the layers below are there
  {
    driver: 'overlay2, the layers at once',
    createDriver: createOverlay2Driver,
    cases: corpus.filter(({ layers }) => layers.length > 1),
    atOnce: true,
  },
];

for (const { driver, createDriver, cases, atOnce } of ways) {
  describe(`archives unpacked with ${driver}`, { concurrency: 4 }, () => {
    const etc = fs.readdirSync('/etc');
    let stores: TestStores;
    before(async () => {
      const root = path.join(disk.folder, `${driver} ${atOnce}`);
      fs.mkdirSync(root);
      stores = await openTestStores(createDriver, root);
    });
    after(async () => {
      // of all that was refused
      assert.deepEqual(fs.readdirSync(path.join(stores.root, 'snapshots/stages')), []);
      assert.deepEqual(fs.readdirSync('/etc'), etc);
      assert.equal(fs.existsSync('/outside'), false);
      await stores.close();
    });

    const unpack = async ({ layers, packed, limits }: Case): Promise<string[]> => {
      const unpacker = limits
        ? createLayerUnpacker({ ...stores, log: silentLogger, limits: { ...defaultLimits, ...limits } })
        : stores.unpacker;
      const diffIds = layers.map((layer) => sha256(layer));
      const chain = chainIds(diffIds);
      const failed = new AbortController();
      const bring = async (layer: Buffer, at: number): Promise<void> => {
        const blob = packed === 'gzip' ? gzipSync(layer) : packed === 'zstd' ? zstdCompressSync(layer) : layer;
        const descriptor = await stores.blob(blob);
        await unpacker.unpack(descriptor, diffIds[at] ?? '', chain.slice(0, at), failed.signal);
      };
      if (!atOnce) for (const [at, layer] of layers.entries()) await bring(layer, at);
      else {
        const all = layers.map((layer, at) => ({ layer, at })).reverse();
        await Promise.all(all.map(({ layer, at }) => bring(layer, at))).catch((error: unknown) => {
          failed.abort();
          throw error;
        });
      }
      return chain;
    };

    for (const one of cases) {
      const { judges } = one;
      if ('refused' in judges) {
        it(`${one.name}: refused`, async () => {
          await assert.rejects(unpack(one), (error) => {
            assert.ok(error instanceof TugError, String(error));
            assert.equal(error.code, judges.refused, error.message);
            return true;
          });
          const top = chainIds(one.layers.map((layer) => sha256(layer))).at(-1) ?? '';
          assert.equal(stores.driver.has(top), false);
        });
        continue;
      }
      it(`${one.name}: as ${judges.join(' and ')} unpack it`, async () => {
        const look = (rootfs: string) => exactTree(rootfs, { folderTimes: one.impliesFolders ?? false });
        const tree = await stores.withRootfs(await unpack(one), look);
        for (const judge of judges) assert.deepEqual(tree, await judgement(judge, one), judge);
      });
    }
  });
}
