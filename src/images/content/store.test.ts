import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Database, openDatabase } from '../../base/database.ts';
import { isKind, TugError } from '../../base/errors.ts';
import { runChecked } from '../../base/process.ts';
import { sha256 } from '../../formats/digest.ts';
import { contentMigrations, createContentStore, type LocalContentStore } from './store.ts';

describe('the content store', () => {
  let root = '';
  let database: Database;
  let store: LocalContentStore;
  const data = Buffer.from('a blob of some length');
  const digest = sha256(data);
  const expected = { digest, size: data.length };
  const ingests = (): Promise<string[]> => fs.readdir(path.join(root, 'content/ingest'));

  beforeEach(async () => {
    root = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-content-'));
    database = openDatabase(path.join(root, 'state.db'), contentMigrations);
    store = createContentStore({ database, note: () => {}, root: path.join(root, 'content') });
  });
  afterEach(async () => {
    database[Symbol.dispose]();
    await fs.rm(root, { recursive: true, force: true });
  });

  it('stores, reads, lists and removes blobs', async () => {
    assert.equal(await store.put(data), digest);
    assert.equal(await store.put(data), digest);
    assert.deepEqual(await store.read(digest), data);
    assert.deepEqual(await fs.readFile(store.path(digest)), data);
    assert.deepEqual([store.has(digest), store.list(), store.size(digest)], [true, [digest], data.length]);
    await assert.rejects(store.read(digest, 5), (error) => isKind(error, 'invalid'));
    await store.remove(digest);
    await store.remove(digest);
    assert.deepEqual([store.has(digest), store.list()], [false, []]);
    await assert.rejects(store.read(digest), (error) => isKind(error, 'not-found'));
    await assert.rejects(fs.stat(store.path(digest)));
  });

  it('keeps no file that its state has no room for', async () => {
    const full: Database = {
      ...database,
      run: () => {
        throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
      },
    };
    const without = createContentStore({ database: full, note: () => {}, root: path.join(root, 'content') });
    await assert.rejects(without.put(data), /database or disk is full/);
    const writer = await without.ingest(expected);
    await writer.write(data);
    await assert.rejects(writer.commit(), (error) => isKind(error, 'exhausted'));
    await writer.close(false);
    assert.deepEqual(await fs.readdir(path.join(root, 'content/blobs/sha256')), []);
    assert.deepEqual(await ingests(), []);
  });

  it('has a blob only after its commit', async () => {
    const writer = await store.ingest(expected);
    await writer.write(data.subarray(0, 5));
    await writer.write(data.subarray(5));
    assert.equal(store.has(digest), false);
    await writer.commit();
    await writer.close(false);
    assert.deepEqual(await store.read(digest), data);
    assert.deepEqual(await ingests(), []);
    const again = await store.ingest(expected);
    assert.equal(again.offset, data.length);
    await again.commit();
    await again.close(true);
  });

  it('resumes what was kept, and begins anew when told', async () => {
    const first = await store.ingest(expected);
    await first.write(data.subarray(0, 7));
    await first.close(true);
    const second = await store.ingest(expected);
    assert.equal(second.offset, 7);
    await second.write(data.subarray(7, 9));
    await second.restart();
    await second.write(data.subarray(0, 4));
    await second.close(true);
    const third = await store.ingest(expected);
    assert.equal(third.offset, 4);
    await third.write(data.subarray(4));
    await third.commit();
    assert.deepEqual(await store.read(digest), data);
    const dropped = await store.ingest({ digest: sha256('other'), size: 5 });
    await dropped.write(Buffer.from('ot'));
    await dropped.close(false);
    assert.deepEqual(await ingests(), []);
  });

  it('refuses wrong content and wrong sizes, and drops the data', async () => {
    const refuses = async (bytes: Buffer, code: string): Promise<void> => {
      const writer = await store.ingest(expected);
      const work = async (): Promise<void> => {
        await writer.write(bytes);
        await writer.commit();
      };
      await assert.rejects(work(), (error) => error instanceof TugError && error.code === code);
      await writer.close(true);
      assert.deepEqual([store.has(digest), await ingests()], [false, []]);
    };
    await refuses(Buffer.from('A blob of some length'), 'digest-mismatch');
    await refuses(data.subarray(1), 'size-mismatch');
    await refuses(Buffer.concat([data, data]), 'size-mismatch');
    await assert.rejects(store.ingest({ digest: 'sha256:../../x', size: 1 }), (error) => isKind(error, 'invalid'));
  });

  it('lets a second writer of a digest wait for the first', async () => {
    const first = await store.ingest(expected);
    const second = store.ingest(expected);
    await first.write(data);
    await first.commit();
    assert.equal((await second).offset, data.length);
  });

  it('notices a blob that was damaged on disk', async () => {
    await store.put(data);
    await fs.writeFile(store.path(digest), 'A blob of some length');
    await assert.rejects(store.read(digest), /damaged on disk/);
  });

  it('makes files and state agree after a kill, and keeps partial ingests', async () => {
    const lost = await store.put(Buffer.from('lost'));
    const short = await store.put(Buffer.from('short'));
    await store.put(data);
    await fs.rm(store.path(lost));
    await fs.truncate(store.path(short), 2);
    await fs.writeFile(store.path(sha256('unknown')), 'unknown');
    const writer = await store.ingest({ digest: sha256('partial'), size: 7 });
    await writer.write(Buffer.from('part'));
    await writer.close(true);
    await fs.writeFile(path.join(root, 'content/ingest/spool-0123'), data);
    assert.deepEqual(await store.sweep(), { rows: 2, files: 3 });
    assert.deepEqual(store.list(), [digest]);
    assert.deepEqual(await fs.readdir(path.dirname(store.path(digest))), [digest.slice(7)]);
    assert.equal((await ingests()).length, 1);
    assert.deepEqual(await store.sweep({ partials: false }), { rows: 0, files: 1 });
  });

  it('takes blobs whose digest is found while writing', async () => {
    const spool = await store.spool();
    await spool.write(data.subarray(0, 3));
    await spool.write(data.subarray(3));
    const blob = await spool.finish();
    assert.deepEqual([blob.digest, blob.size, store.has(digest)], [digest, data.length, false]);
    await blob.keep();
    await blob.keep();
    await blob.discard();
    assert.deepEqual(await fs.readFile(blob.file()), data);
    const other = await (await store.spool()).finish();
    await other.discard();
    assert.deepEqual([store.list(), await ingests()], [[digest], []]);
  });

  it('can be read by skopeo and umoci as it lies', async () => {
    const config = {
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/x'] },
      rootfs: { type: 'layers', diff_ids: [] },
    };
    const put = async (mediaType: string, content: object) => {
      const bytes = Buffer.from(JSON.stringify(content));
      return { mediaType, digest: await store.put(bytes), size: bytes.length };
    };
    const described = await put('application/vnd.oci.image.config.v1+json', config);
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = await put(mediaType, { schemaVersion: 2, mediaType, config: described, layers: [] });
    const annotations = { 'org.opencontainers.image.ref.name': 'docker.io/library/x:1' };
    await store.writeIndex([{ ...manifest, annotations }]);
    const read = await runChecked('skopeo', ['inspect', '--config', `oci:${store.root}:docker.io/library/x:1`]);
    assert.deepEqual(JSON.parse(read).config, { Cmd: ['/x'] });
    const listed = await runChecked('umoci', ['list', '--layout', store.root]);
    assert.match(listed, /docker\.io\/library\/x:1/);
  });
});
