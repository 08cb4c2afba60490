import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { isKind } from '../../base/errors.ts';
import type { StorageDriver } from '../contract.ts';

/**
 * What every storage driver does. `open` gives one over the same space of files each time it is called, as another
 * process of the registry would have it; each test uses a folder of its own there.
 */
export function testStorageDriver(name: string, open: () => StorageDriver, skip: string | false = false): void {
  const withStorage = async (work: (storage: StorageDriver, folder: string) => Promise<void>): Promise<void> => {
    const storage = open();
    const folder = `/docker/registry/v2/${randomBytes(6).toString('hex')}`;
    try {
      await work(storage, folder);
    } finally {
      await storage.remove(folder);
      await storage.close?.();
    }
  };
  const bytes = (content: string): Buffer => Buffer.from(content);
  const stream = (...contents: (string | Buffer)[]): Readable =>
    Readable.from(contents.map((content) => Buffer.from(content)));
  const missing = (error: unknown): boolean => isKind(error, 'not-found');
  const names = async (storage: StorageDriver, folder: string, after?: string): Promise<string[]> =>
    Array.fromAsync(storage.list(folder, after));

  describe(`the storage driver ${name}`, { skip }, () => {
    it('keeps a small file, and its newest content', () =>
      withStorage(async (storage, folder) => {
        await storage.put(`${folder}/a/link`, bytes('one'));
        await storage.put(`${folder}/a/link`, bytes('two'));
        assert.equal(String(await storage.get(`${folder}/a/link`)), 'two');
        assert.equal((await storage.stat(`${folder}/a/link`))?.size, 3);
        await storage.put(`${folder}/empty`, bytes(''));
        assert.equal((await storage.get(`${folder}/empty`)).length, 0);
        assert.equal((await storage.stat(`${folder}/empty`))?.size, 0);
      }));

    it('says that what is not there is not there', () =>
      withStorage(async (storage, folder) => {
        await storage.put(`${folder}/a/link`, bytes('one'));
        for (const path of [`${folder}/none/none`, `${folder}/a/link/none`]) {
          await assert.rejects(storage.get(path), missing);
          await assert.rejects(storage.read(path), missing);
          await assert.rejects(storage.move(path, `${folder}/to`), missing);
          await assert.rejects(storage.touch(path), missing);
          assert.equal(await storage.stat(path), undefined);
          assert.deepEqual(await names(storage, path), []);
          await storage.remove(path);
        }
        assert.equal(await storage.stat(`${folder}/a`), undefined, 'a folder is no file');
      }));

    it('reads ranges', () =>
      withStorage(async (storage, folder) => {
        await storage.put(`${folder}/f`, bytes('0123456789'));
        assert.equal(await text(await storage.read(`${folder}/f`)), '0123456789');
        assert.equal(await text(await storage.read(`${folder}/f`, { start: 7 })), '789');
        assert.equal(await text(await storage.read(`${folder}/f`, { start: 2, end: 4 })), '234');
        assert.equal(await text(await storage.read(`${folder}/f`, { start: 9, end: 9 })), '9');
      }));

    it('lists names in the order of their bytes, from any of them on', () =>
      withStorage(async (storage, folder) => {
        const all = ['a', 'a-b', 'a.b', 'a0', 'aB', 'v1', 'v1.10'];
        for (const each of all) await storage.put(`${folder}/list/${each}/link`, bytes(each));
        await storage.put(`${folder}/list/file`, bytes('a file among folders'));
        const sorted = [...all, 'file'].sort();
        assert.deepEqual(await names(storage, `${folder}/list`), sorted);
        for (const [index, after] of sorted.entries()) {
          assert.deepEqual(await names(storage, `${folder}/list`, after), sorted.slice(index + 1), `after ${after}`);
        }
        assert.deepEqual(await names(storage, `${folder}/list`, 'a-'), sorted.slice(sorted.indexOf('a-b')));
        assert.deepEqual(await names(storage, `${folder}/list`, 'zz'), []);
      }));

    it('removes a file, a folder with all below, and nothing beside', () =>
      withStorage(async (storage, folder) => {
        for (const each of ['a/x/1', 'a/x/2', 'a/y', 'ab', 'a-b/c']) await storage.put(`${folder}/${each}`, bytes('.'));
        await storage.remove(`${folder}/a/y`);
        assert.deepEqual(await names(storage, `${folder}/a`), ['x']);
        await storage.remove(`${folder}/a`);
        await storage.remove(`${folder}/a`);
        assert.deepEqual(await names(storage, folder), ['a-b', 'ab']);
      }));

    it('touches a file, which stays what it is', () =>
      withStorage(async (storage, folder) => {
        await storage.put(`${folder}/f`, bytes('same'));
        const before = await storage.stat(`${folder}/f`);
        await storage.touch(`${folder}/f`);
        const after = await storage.stat(`${folder}/f`);
        assert.ok(before && after && after.modified >= before.modified);
        assert.equal(String(await storage.get(`${folder}/f`)), 'same');
      }));

    it('lets a file grow, and puts it in its place at once', () =>
      withStorage(async (storage, folder) => {
        const upload = `${folder}/_uploads/one/data`;
        assert.equal(await storage.append(upload, 0, stream('he', 'llo')), 5);
        assert.equal((await storage.stat(upload))?.size, 5);
        assert.equal(await storage.append(upload, 5, stream()), 5);
        assert.equal(await storage.append(upload, 5, stream(' world')), 11);
        assert.equal(await text(await storage.read(upload)), 'hello world');
        assert.equal(await text(await storage.read(upload, { start: 3, end: 7 })), 'lo wo');
        await storage.put(`${folder}/blob/data`, bytes('in its way'));
        await storage.move(upload, `${folder}/blob/data`);
        assert.equal(String(await storage.get(`${folder}/blob/data`)), 'hello world');
        assert.equal(await storage.stat(upload), undefined);
        assert.deepEqual(await names(storage, `${folder}/blob`), ['data']);
      }));

    it('lets an empty file be written', () =>
      withStorage(async (storage, folder) => {
        const upload = `${folder}/_uploads/empty/data`;
        assert.equal(await storage.append(upload, 0, stream()), 0);
        assert.equal((await storage.stat(upload))?.size, 0);
        await storage.move(upload, `${folder}/nothing/data`);
        assert.equal((await storage.get(`${folder}/nothing/data`)).length, 0);
      }));

    it('cuts off what lies behind the offset, and refuses one behind the end', () =>
      withStorage(async (storage, folder) => {
        const upload = `${folder}/_uploads/cut/data`;
        await storage.append(upload, 0, stream('0123456789'));
        await assert.rejects(storage.append(upload, 11, stream('x')), (error) => isKind(error, 'invalid'));
        assert.equal(await storage.append(upload, 4, stream('AB')), 6);
        assert.equal(await text(await storage.read(upload)), '0123AB');
        assert.equal(await storage.append(upload, 2, stream()), 2);
        assert.equal(await storage.append(upload, 2, stream('Z')), 3);
        assert.equal(await storage.append(upload, 3, stream('!')), 4);
        assert.equal(await text(await open().read(upload)), '01Z!');
        assert.equal(await storage.append(upload, 0, stream('new')), 3);
        await storage.move(upload, `${folder}/blob/data`);
        assert.equal(String(await storage.get(`${folder}/blob/data`)), 'new');
      }));

    it('keeps what came before a client went away', () =>
      withStorage(async (storage, folder) => {
        const upload = `${folder}/_uploads/cut/data`;
        const dies = Readable.from(
          (async function* () {
            yield bytes('before');
            throw new Error('gone');
          })(),
        );
        await assert.rejects(storage.append(upload, 0, dies), /gone/);
        const size = (await storage.stat(upload))?.size ?? 0; // a file's driver may hold some of it back
        assert.equal(await storage.append(upload, size, stream(bytes('before after').subarray(size))), 12);
        assert.equal(await text(await storage.read(upload)), 'before after');
      }));

    it('goes on in another process with a file that one began', () =>
      withStorage(async (storage, folder) => {
        const upload = `${folder}/_uploads/passed/data`;
        const contents = [1, 5, 1].map((mebibytes) => randomBytes(mebibytes * 1024 * 1024 + 7));
        let size = 0;
        for (const content of contents) {
          const other = open();
          assert.equal((await other.stat(upload))?.size ?? 0, size);
          size = await other.append(upload, size, stream(content));
          await other.close?.();
        }
        assert.ok((await buffer(await storage.read(upload))).equals(Buffer.concat(contents)));
        await storage.move(upload, `${folder}/blob/data`);
        assert.ok((await storage.get(`${folder}/blob/data`)).equals(Buffer.concat(contents)));
        await storage.remove(`${folder}/_uploads/passed`);
        assert.deepEqual(await names(storage, `${folder}/_uploads`), []);
      }));

    it('does not mix what two write to one file at a time into something else', () =>
      withStorage(async (storage, folder) => {
        const upload = `${folder}/_uploads/two/data`;
        const other = open();
        await storage.append(upload, 0, stream('verified here'));
        await other.append(upload, 0, stream('put in its place')); // at another process, by the same client
        await storage.move(upload, `${folder}/blob/data`).catch(() => undefined);
        const kept = await storage.get(`${folder}/blob/data`).then(String, () => 'refused');
        assert.ok(
          ['verified here', 'refused', ...(storage.localPath ? ['put in its place'] : [])].includes(kept),
          kept,
        );
        await other.close?.();
      }));
  });
}
