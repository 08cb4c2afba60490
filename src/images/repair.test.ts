import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Descriptor } from '../api/oci/image.ts';
import { openDatabase } from '../base/database.ts';
import { openJournal } from '../base/journal.ts';
import { openLeases } from '../base/leases.ts';
import { createLogger } from '../base/log.ts';
import { chainIds, sha256 } from '../formats/digest.ts';
import { createLayoutIndex } from './layout-index.ts';
import { imageMigrations } from './migrations.ts';
import { writeImage } from './new-image.ts';
import { recoverImages } from './recover.ts';
import { createOverlay2Driver } from './snapshots/drivers/overlay2.ts';
import { openImageStores } from './stores.ts';
import { openTestStores } from './testing/stores.ts';
import { tarOf } from './testing/tar.ts';

// A power cut: the state says that an image is there, the disk has not all of it.

let root: string;
let id: string;
let chain: string[];
let blobs: string[];

beforeEach(async () => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-repair-'));
  const stores = await openTestStores(createOverlay2Driver, root);
  const tars = [tarOf({ name: 'lower', content: 'below\n' }), tarOf({ name: 'upper', content: 'above\n' })];
  const layers: Descriptor[] = [];
  chain = chainIds(tars.map((tar) => sha256(tar)));
  for (const [at, tar] of tars.entries()) {
    const blob = { ...(await stores.blob(gzipSync(tar))), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' };
    await stores.unpacker.unpack(blob, sha256(tar), chain.slice(0, at), new AbortController().signal);
    layers.push(blob);
  }
  blobs = layers.map(({ digest }) => digest);
  const rootfs = { type: 'layers', diff_ids: tars.map((tar) => sha256(tar)) };
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs }));
  const written = await writeImage(stores.content, { holdBlob: () => {}, holdLayers: () => {} }, config, layers);
  await stores.state.record({ ...written, tags: ['docker.io/library/kept:latest'], digests: [] });
  id = written.id;
  // as if the power had been cut before the file system was synced: the notes are still there
  for (const digest of stores.content.list()) stores.settling.note('blob', digest);
  for (const chainId of chain) stores.settling.note('layer', chainId);
  await stores.close();
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const fileOf = (layer: number, name: string): string =>
  path.join(root, 'snapshots/layers', (chain[layer] ?? '').slice(7), 'diff', name);
const blobFile = (layer: number): string => path.join(root, 'content/blobs/sha256', (blobs[layer] ?? '').slice(7));

/** What the next engine does first. */
async function boot(session: string): Promise<{ images: string[]; pending: number; log: string }> {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', format: 'text', write: (line) => lines.push(line) });
  const database = openDatabase(path.join(root, 'state.db'), imageMigrations);
  const driver = createOverlay2Driver(path.join(root, 'snapshots'));
  const stores = openImageStores({ database, root, driver, session, log: logger });
  try {
    const layout = createLayoutIndex(stores);
    await recoverImages({
      ...stores,
      leases: openLeases(database),
      journal: openJournal(database),
      layout,
      log: logger,
    });
    await stores.settling.flush();
    return { images: stores.state.ids(), pending: stores.settling.pending().length, log: lines.join('') };
  } finally {
    await stores.settling.close();
    await stores.pool.close();
    await stores.arrivals.close();
    database[Symbol.dispose]();
  }
}

describe('an image that was not on the disk when the power was cut', () => {
  it('has its layers unpacked again from blobs that are whole', async () => {
    fs.writeFileSync(fileOf(0, 'lower'), '');
    fs.rmSync(fileOf(1, 'upper'));
    const after = await boot('another boot');
    assert.deepEqual(after.images, [id]);
    assert.equal(after.pending, 0);
    assert.equal(fs.readFileSync(fileOf(0, 'lower'), 'utf8'), 'below\n');
    assert.equal(fs.readFileSync(fileOf(1, 'upper'), 'utf8'), 'above\n');
  });

  it('is removed, with a word in the log, when a blob is not whole either', async () => {
    fs.truncateSync(fileOf(1, 'upper'));
    fs.writeFileSync(blobFile(1), Buffer.alloc(fs.statSync(blobFile(1)).size));
    const after = await boot('another boot');
    assert.deepEqual(after.images, []);
    assert.equal(after.pending, 0);
    assert.match(after.log, /lost in the power cut.*pull or load them again/);
    assert.deepEqual(fs.readdirSync(path.join(root, 'snapshots/layers')), []);
  });

  it('is left as it is by an engine of the same boot, whose kernel still holds it', async () => {
    fs.writeFileSync(fileOf(0, 'lower'), 'untouched');
    const after = await boot('test');
    assert.deepEqual(after.images, [id]);
    assert.equal(after.pending, 0);
    assert.equal(fs.readFileSync(fileOf(0, 'lower'), 'utf8'), 'untouched');
  });
});
