import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isKind, TugError } from '../../base/errors.ts';
import { sha256 } from '../../formats/digest.ts';
import { createOverlay2Driver } from '../snapshots/drivers/overlay2.ts';
import { createVfsDriver } from '../snapshots/drivers/vfs.ts';
import { openTestStores, type TestStores } from '../testing/stores.ts';
import { type TestEntry, tarOf } from '../testing/tar.ts';

const never = new AbortController().signal;

for (const [name, createDriver] of [
  ['overlay2', createOverlay2Driver],
  ['vfs', createVfsDriver],
] as const) {
  describe(`hostile layers with ${name}`, () => {
    let stores: TestStores;
    before(async () => {
      stores = await openTestStores(createDriver);
    });
    after(() => stores.close());

    const look = async <T>(tars: Buffer[], work: (rootfs: string) => T): Promise<T> =>
      stores.withRootfs(await stores.unpackTars(...tars), work);
    const refuses = async (entries: TestEntry[], code: string): Promise<void> => {
      const tar = tarOf(...entries);
      await assert.rejects(stores.unpackTars(tar), (error) => error instanceof TugError && error.code === code);
      assert.equal(stores.driver.has(sha256(tar)), false);
    };
    const stagesLeft = (): string[] => fs.readdirSync(path.join(stores.root, 'snapshots/stages'));

    it('never writes outside of its root', async () => {
      const outside = path.join(stores.root, 'outside');
      fs.mkdirSync(outside, { recursive: true });
      fs.writeFileSync(path.join(outside, 'secret'), 'secret');
      const climb = '../'.repeat(20).slice(0, -1);
      const file = { content: 'written' };
      await refuses([{ name: '../x', ...file }], 'layer-escapes');
      await refuses([{ name: 'a/../../x', ...file }], 'layer-escapes');
      await refuses([{ name: 'hard', type: 'hard-link', linkName: `${climb}${outside}/secret` }], 'layer-escapes');
      await refuses([{ name: '.wh...', content: '' }], 'layer-escapes');
      await refuses([{ name: 'hard', type: 'hard-link', linkName: `${outside}/secret` }], 'bad-archive');
      await look(
        [
          tarOf(
            { name: '/etc/x', ...file },
            { name: 'a/../b', ...file },
            { name: 'absolute', type: 'symlink', linkName: outside },
            { name: 'absolute/x', ...file },
            { name: 'climbing', type: 'symlink', linkName: `${climb}${outside}` },
            { name: 'climbing/y', ...file },
            { name: 'link', type: 'symlink', linkName: `${outside}/secret` },
            { name: 'link', ...file },
            { name: 'via', type: 'symlink', linkName: `${outside}/secret` },
            { name: 'alias', type: 'hard-link', linkName: 'via' },
            { name: 'alias', ...file },
            { name: 'absolute/.wh.secret', content: '' },
          ),
        ],
        (rootfs) => {
          assert.deepEqual(fs.readdirSync(path.join(rootfs, outside)).sort(), ['x', 'y']);
          assert.equal(fs.readFileSync(path.join(rootfs, 'etc/x'), 'utf8'), 'written');
          assert.equal(fs.readFileSync(path.join(rootfs, 'b'), 'utf8'), 'written');
          assert.ok(fs.lstatSync(path.join(rootfs, 'link')).isFile());
        },
      );
      assert.deepEqual(fs.readdirSync(outside), ['secret']);
      assert.equal(fs.readFileSync(path.join(outside, 'secret'), 'utf8'), 'secret');
    });

    it('refuses what no root file system can be, and leaves nothing', async () => {
      await refuses(
        [
          { name: 'round', type: 'symlink', linkName: 'round' },
          { name: 'round/x', content: '' },
        ],
        'bad-archive',
      );
      await refuses(
        [
          { name: 'file', content: '' },
          { name: 'file/x', content: '' },
        ],
        'bad-archive',
      );
      await refuses([{ name: 'hard', type: 'hard-link', linkName: 'missing' }], 'bad-archive');
      await refuses([{ name: 'n'.repeat(256), content: '' }], 'bad-archive');
      await refuses([{ name: '.', type: 'symlink', linkName: '/etc' }], 'bad-archive');
      await refuses([{ name: '.wh.', content: '' }], 'bad-archive');
      assert.deepEqual(stagesLeft(), []);
    });

    it('refuses damaged and cut off data and a wrong diff-id', async () => {
      const tar = tarOf({ name: 'file', content: Buffer.alloc(100_000, 'abcdefg') });
      const zip = gzipSync(tar);
      const flipped = Buffer.from(zip);
      flipped.writeUInt8(flipped.readUInt8(200) ^ 0xff, 200);
      const blobs = {
        flipped,
        short: zip.subarray(0, -20),
        tar: tar.subarray(0, 5_000),
        zstd: zstdCompressSync(tar).subarray(0, 60),
      };
      for (const [kind, blob] of Object.entries(blobs)) {
        const done = stores.unpacker.unpack(await stores.blob(blob), sha256(tar), [], never);
        await assert.rejects(done, (error) => error instanceof TugError && error.code === 'bad-archive', kind);
      }
      const wrong = stores.unpacker.unpack(await stores.blob(tar), sha256('other'), [], never);
      await assert.rejects(wrong, (error) => error instanceof TugError && error.code === 'diff-id-mismatch');
      const xz = stores.unpacker.unpack(
        await stores.blob(Buffer.from('fd377a585a000000', 'hex')),
        sha256(tar),
        [],
        never,
      );
      await assert.rejects(xz, (error) => isKind(error, 'unsupported'));
      assert.deepEqual(stagesLeft(), []);
      assert.equal(stores.driver.has(sha256('other')), false);
    });

    it('refuses a decompression bomb', async () => {
      const bomb = zstdCompressSync(tarOf({ name: 'zeros', content: Buffer.alloc(80 * 1024 * 1024) }));
      const done = stores.unpacker.unpack(await stores.blob(bomb), sha256('bomb'), [], never);
      await assert.rejects(done, (error) => error instanceof TugError && error.code === 'layer-too-large');
      assert.deepEqual(stagesLeft(), []);
    });
  });
}
