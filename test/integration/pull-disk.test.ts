import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { describeTree } from '../helpers/file-tree.ts';
import { type ImageBytes, makeImage, tarOf } from '../helpers/image-layout.ts';
import { openPullEngine, type PullEngine } from '../helpers/pull-engine.ts';
import { makeSmallDisk } from '../helpers/small-disk.ts';

const mebibyte = 1024 * 1024;

/** An image of two layers: a small file, and a file with this content. */
async function imageWith(content: Buffer): Promise<ImageBytes> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-layer-'));
  try {
    await fs.writeFile(path.join(folder, 'small'), 'small');
    const tars = [await tarOf(folder, `${folder}.tar`)];
    await fs.writeFile(path.join(folder, 'file'), content);
    return makeImage([...tars, await tarOf(folder, `${folder}.tar`)]);
  } finally {
    await fs.rm(folder, { recursive: true });
  }
}

async function ingests(root: string): Promise<string[]> {
  return fs.readdir(path.join(root, 'content/ingest'));
}

async function imagesAndTree(engine: PullEngine, id: string): Promise<unknown> {
  const tree = await engine.withMounted(id, describeTree);
  return [engine.stores.state.ids(), engine.stores.state.get(id), tree];
}

test('a disk that fills up fails the pull with a sentence, and leaves everything as it was', async () => {
  await using registry = await startFaultyRegistry();
  await using disk = await makeSmallDisk(16);
  await using engine = openPullEngine(disk.folder);
  registry.serve('old', await imageWith(randomBytes(1000)));
  // One does not fit as a blob, the other not once it is unpacked.
  registry.serve('incompressible', await imageWith(randomBytes(30 * mebibyte)));
  registry.serve('compressible', await imageWith(Buffer.alloc(60 * mebibyte, 'fill the disk with this. ')));
  registry.serve('fits', await imageWith(randomBytes(5 * mebibyte)));
  const old = await engine.pull(`${registry.host}/app:old`);
  const before = await imagesAndTree(engine, old);
  const free = await disk.free();

  for (const tag of ['incompressible', 'compressible']) {
    await assert.rejects(engine.pull(`${registry.host}/app:${tag}`), (error: Error & { kind?: string }) => {
      assert.equal(error.kind, 'exhausted', error.message);
      assert.match(error.message, /no space left/);
      return true;
    });
    assert.deepEqual(await ingests(disk.folder), []);
    assert.deepEqual(engine.database.all('SELECT * FROM leases'), []);
    assert.deepEqual(await imagesAndTree(engine, old), before);
    // Whole blobs and layers may stay for the next pull; half-made ones may not.
    assert.ok((await disk.free()) > free - mebibyte, `${free} bytes were free, ${await disk.free()} are`);
  }
  const fits = await engine.pull(`${registry.host}/app:fits`);
  assert.equal(engine.stores.state.get(fits)?.layers.length, 2);
});
