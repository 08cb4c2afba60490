import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import type { CrashPoint } from '../../src/base/crash-points.ts';
import { run } from '../../src/base/process.ts';
import { type FaultyRegistry, startFaultyRegistry } from '../helpers/faulty-registry.ts';
import { describeTree } from '../helpers/file-tree.ts';
import { type ImageBytes, makeImage, tarOf } from '../helpers/image-layout.ts';
import { openPullEngine } from '../helpers/pull-engine.ts';

const points: readonly (CrashPoint | `${CrashPoint}:${number}`)[] = [
  'image.pull.leased',
  'image.pull.blob-written', // the configuration
  'image.pull.blob-written:2',
  'image.pull.blob-written:3',
  'image.pull.layer-unpacked',
  'image.pull.layer-committed',
  'image.pull.recorded',
];

async function serveImage(registry: FaultyRegistry, scratch: string): Promise<ImageBytes> {
  const folder = path.join(scratch, 'layer');
  await fs.mkdir(path.join(folder, 'etc'), { recursive: true });
  await fs.writeFile(path.join(folder, 'etc/one'), randomBytes(100_000));
  const lower = await tarOf(folder, path.join(scratch, 'tar'));
  await fs.writeFile(path.join(folder, 'etc/two'), randomBytes(100_000));
  const image = makeImage([lower, await tarOf(folder, path.join(scratch, 'tar'))]);
  registry.serve('v1', image);
  return image;
}

for (const point of points) {
  test(`an engine killed at ${point} leaves what the next one finishes or sweeps`, async () => {
    const scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-crash-'));
    try {
      await using registry = await startFaultyRegistry();
      const image = await serveImage(registry, scratch);
      const root = path.join(scratch, 'engine');
      await fs.mkdir(root);
      const script = path.join(import.meta.dirname, '../helpers/pull-process.ts');
      const name = `${registry.host}/app:v1`;
      const env = { ...process.env, TUG_CRASH_AT: point };
      const died = await run(process.execPath, [script, root, name], { env, timeout: 300_000 });
      assert.equal(died.code, 137, died.stderr);

      await using engine = openPullEngine(root);
      const { state, content, driver } = engine.stores;
      assert.deepEqual(state.ids(), point === 'image.pull.recorded' ? [image.config.digest] : []);
      engine.leases.dropOperations();
      await content.sweep();
      await driver.sweep();
      const id = await engine.pull(name);
      assert.equal(id, image.config.digest);
      const tree = await engine.withMounted(id, describeTree);
      assert.deepEqual(
        tree.map((line) => line.split(' ')[0]),
        ['.', 'etc', 'etc/one', 'etc/two'],
      );
      assert.deepEqual(engine.database.all('SELECT * FROM leases'), []);
      assert.deepEqual(content.list().sort(), [...image.blobs.keys()].sort());
      assert.equal((await driver.list()).length, 2);
      assert.deepEqual(await fs.readdir(path.join(root, 'content/ingest')), []);
    } finally {
      await fs.rm(scratch, { recursive: true, force: true });
    }
  });
}
