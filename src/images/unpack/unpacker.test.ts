import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isKind } from '../../base/errors.ts';
import { chainIds, sha256 } from '../../formats/digest.ts';
import { getXattr, listXattrs } from '../../host/xattr.ts';
import { createOverlay2Driver } from '../snapshots/drivers/overlay2.ts';
import { createVfsDriver } from '../snapshots/drivers/vfs.ts';
import { openTestStores, type TestStores } from '../testing/stores.ts';
import { type TestEntry, tarOf } from '../testing/tar.ts';

const never = new AbortController().signal;

/** Everything below a folder; links are not followed. */
function namesIn(folder: string, inside = ''): string[] {
  return fs.readdirSync(path.join(folder, inside), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(inside, entry.name);
    return entry.isDirectory() ? [name, ...namesIn(folder, name)] : [name];
  });
}

for (const [name, createDriver] of [
  ['overlay2', createOverlay2Driver],
  ['vfs', createVfsDriver],
] as const) {
  describe(`unpacking layers with ${name}`, () => {
    let stores: TestStores;
    before(async () => {
      stores = await openTestStores(createDriver);
    });
    after(() => stores.close());

    const look = async <T>(tars: Buffer[], work: (rootfs: string) => T): Promise<T> =>
      stores.withRootfs(await stores.unpackTars(...tars), work);
    const stagesLeft = (): string[] => fs.readdirSync(path.join(stores.root, 'snapshots/stages'));

    it('keeps modes, owners, times to the nanosecond, links, devices and attributes', async () => {
      const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
      const mtime = 1_700_000_000_123_456_789n;
      const tar = tarOf(
        { name: 'dir/', mode: 0o2750, uid: 5, gid: 6, mtime },
        { name: 'dir/suid', content: 'x', mode: 0o4711, uid: 7, gid: 8, mtime },
        { name: 'dir/open', content: '', mode: 0o666 },
        {
          name: 'ping',
          content: 'p',
          mode: 0o755,
          xattrs: new Map([
            ['security.capability', capability],
            ['user.note', Buffer.from('hi')],
          ]),
        },
        { name: 'hard', type: 'hard-link', linkName: 'dir/suid' },
        { name: 'soft', type: 'symlink', linkName: '/etc/passwd', mode: 0o777, uid: 9, gid: 10, mtime },
        { name: 'fifo', type: 'fifo', mode: 0o622 },
        { name: 'null', type: 'character-device', mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
        { name: 'disk', type: 'block-device', mode: 0o660, gid: 6, deviceMajor: 8, deviceMinor: 300 },
      );
      await look([tar], (rootfs) => {
        const stat = (file: string) => fs.lstatSync(path.join(rootfs, file), { bigint: true });
        assert.deepEqual(
          [stat('dir').mode & 0o7777n, stat('dir').uid, stat('dir').gid, stat('dir').mtimeNs],
          [0o2750n, 5n, 6n, mtime],
        );
        assert.deepEqual(
          [stat('dir/suid').mode & 0o7777n, stat('dir/suid').uid, stat('dir/suid').mtimeNs],
          [0o4711n, 7n, mtime],
        );
        assert.equal(stat('dir/open').mode & 0o7777n, 0o666n);
        assert.equal(stat('hard').ino, stat('dir/suid').ino);
        assert.equal(fs.readlinkSync(path.join(rootfs, 'soft')), '/etc/passwd');
        assert.deepEqual([stat('soft').uid, stat('soft').mtimeNs], [9n, mtime]);
        assert.ok(stat('fifo').isFIFO());
        assert.deepEqual(
          [stat('null').isCharacterDevice(), stat('null').rdev, stat('null').mode & 0o777n],
          [true, 0x103n, 0o666n],
        );
        assert.deepEqual([stat('disk').isBlockDevice(), stat('disk').rdev], [true, (1n << 20n) | 0x82cn]);
        assert.deepEqual(getXattr(path.join(rootfs, 'ping'), 'security.capability'), capability);
        assert.equal(getXattr(path.join(rootfs, 'ping'), 'user.note')?.toString(), 'hi');
      });
    });

    it('drops attributes of overlayfs, which could redirect a folder', async () => {
      const xattrs = new Map([
        ['trusted.overlay.redirect', Buffer.from('/other')],
        ['user.kept', Buffer.from('1')],
      ]);
      const chain = await stores.unpackTars(tarOf({ name: 'dir/', xattrs }));
      const [, folder] = fs.readdirSync(path.join(stores.root, 'snapshots/layers', chain[0]!.slice(7)), {
        recursive: true,
      });
      const absolute = path.join(stores.root, 'snapshots/layers', chain[0]!.slice(7), String(folder));
      assert.deepEqual(listXattrs(absolute), ['user.kept']);
    });

    it('lets later entries replace earlier ones and merges folders', async () => {
      const tar = tarOf(
        { name: 'a', content: 'file' },
        { name: 'a/', mode: 0o700 },
        { name: 'a/inside', content: '1' },
        { name: 'a/', mode: 0o711 },
        { name: 'b/' },
        { name: 'b/x', content: '' },
        { name: 'b', type: 'symlink', linkName: 'a' },
        { name: 'b/through', content: 'via the link' },
        { name: 'c', content: 'one' },
        { name: 'c', content: 'two' },
      );
      await look([tar], (rootfs) => {
        assert.deepEqual(fs.readdirSync(rootfs).sort(), ['a', 'b', 'c']);
        assert.deepEqual(fs.readdirSync(path.join(rootfs, 'a')).sort(), ['inside', 'through']);
        assert.equal(fs.statSync(path.join(rootfs, 'a')).mode & 0o777, 0o711);
        assert.equal(fs.readFileSync(path.join(rootfs, 'c'), 'utf8'), 'two');
      });
    });

    it('carries out whiteouts, and leaves what the same layer brings', async () => {
      const base = tarOf(
        ...['gone', 'kept', 'dir/', 'dir/old', 'opaque/', 'opaque/old', 'again/', 'again/old', 'late/', 'late/old'].map(
          (entry): TestEntry => (entry.endsWith('/') ? { name: entry } : { name: entry, content: 'base' }),
        ),
      );
      const upper = tarOf(
        { name: '.wh.gone', content: '' },
        { name: '.wh.never-was', content: '' },
        { name: '.wh..wh.plnk/', type: 'directory' },
        { name: 'dir/.wh.old', content: '' },
        { name: 'opaque/new', content: 'new' },
        { name: 'opaque/.wh..wh..opq', content: '' },
        { name: '.wh.again', content: '' },
        { name: 'again/new', content: 'new' },
        { name: 'late/new', content: 'new' },
        { name: '.wh.late', content: '' },
      );
      await look([base, upper], (rootfs) => {
        const found = namesIn(rootfs).sort();
        assert.deepEqual(found, ['again', 'again/new', 'dir', 'kept', 'late', 'late/new', 'opaque', 'opaque/new']);
      });
    });

    it('gives folders that a layer implies what the layers below say of them', async () => {
      const base = tarOf(
        { name: './', mode: 0o711, uid: 3 },
        {
          name: 'a/',
          mode: 0o750,
          uid: 11,
          gid: 12,
          mtime: 1_500_000_000_000_000_000n,
          xattrs: new Map([['user.note', Buffer.from('below')]]),
        },
        { name: 'a/b/', mode: 0o700, uid: 13 },
        { name: 'hidden/', mode: 0o700 },
      );
      const middle = tarOf({ name: '.wh.hidden', content: '' }, { name: 'a/', mode: 0o751, uid: 11 });
      const upper = tarOf({ name: 'a/b/file', content: 'x' }, { name: 'hidden/file', content: '' });
      await look([base, middle, upper], (rootfs) => {
        const stat = (file: string) => fs.lstatSync(path.join(rootfs, file));
        assert.deepEqual([stat('a').mode & 0o7777, stat('a').uid], [0o751, 11]);
        assert.deepEqual([stat('a/b').mode & 0o7777, stat('a/b').uid], [0o700, 13]);
        assert.deepEqual([stat('hidden').mode & 0o7777, stat('.').uid], [0o755, 3]);
      });
    });

    it('follows a link of a lower layer as the container would', async () => {
      const base = tarOf(
        { name: 'usr/lib/' },
        { name: 'lib', type: 'symlink', linkName: 'usr/lib' },
        { name: 'usr/lib/a', content: 'a' },
      );
      await look([base, tarOf({ name: 'lib/b', content: 'b' })], (rootfs) => {
        assert.ok(fs.lstatSync(path.join(rootfs, 'lib')).isSymbolicLink());
        assert.deepEqual(fs.readdirSync(path.join(rootfs, 'usr/lib')).sort(), ['a', 'b']);
      });
    });

    it('unpacks layers that are asked for all at once, in any order', async () => {
      const tars = [
        tarOf(
          { name: 'usr/lib/', mode: 0o700, uid: 21 },
          { name: 'lib', type: 'symlink', linkName: 'usr/lib' },
          { name: 'd/', mode: 0o711, uid: 20 },
        ),
        tarOf({ name: 'd/one', content: '1' }),
        tarOf({ name: 'lib/two', content: '2' }, { name: 'd/.wh.one', content: '' }),
      ];
      const diffIds = tars.map((tar) => sha256(tar));
      const chain = chainIds(diffIds);
      await Promise.all(
        [2, 0, 1, 2].map(async (at) =>
          stores.unpacker.unpack(await stores.blob(tars[at]!), diffIds[at]!, chain.slice(0, at), never),
        ),
      );
      await stores.withRootfs(chain, (rootfs) => {
        assert.deepEqual(namesIn(rootfs).sort(), ['d', 'lib', 'usr', 'usr/lib', 'usr/lib/two']);
        assert.deepEqual(
          [fs.statSync(path.join(rootfs, 'd')).uid, fs.statSync(path.join(rootfs, 'd')).mode & 0o777],
          [20, 0o711],
        );
        assert.equal(fs.statSync(path.join(rootfs, 'usr/lib')).uid, 21);
      });
    });

    it('takes gzip, gzip of several members, and zstd', async () => {
      const tar = tarOf({ name: 'file', content: Buffer.alloc(700_000, 'content ') });
      const half = 300_000;
      const packed = {
        gzip: gzipSync(tar),
        members: Buffer.concat([gzipSync(tar.subarray(0, half)), gzipSync(tar.subarray(half))]),
        zstd: zstdCompressSync(tar),
      };
      for (const [kind, blob] of Object.entries(packed)) {
        await stores.unpacker.unpack(await stores.blob(blob), sha256(tar), [], never);
        assert.equal(stores.state.layer(sha256(tar))?.size, 700_000, kind);
        await stores.driver.remove(sha256(tar));
        stores.state.forgetLayer(sha256(tar));
      }
    });

    it('keeps sparse files sparse, and names of every kind', async () => {
      const odd = Buffer.from([0x66, 0xff, 0xfe]);
      const long = `${'d'.repeat(200)}/${'f'.repeat(250)}`;
      const tar = tarOf(
        { name: 'sparse', content: 'endx', size: 50_000_000, sparse: [{ offset: 49_999_996, length: 4 }] },
        { name: odd, content: 'odd' },
        { name: long, content: 'long' },
        { name: 'grüße/日本', content: 'text' },
        { name: 'line\nbreak', type: 'symlink', linkName: 'tärget' },
      );
      await look([tar], (rootfs) => {
        const sparse = fs.statSync(path.join(rootfs, 'sparse'));
        assert.deepEqual([sparse.size, sparse.blocks < 100], [50_000_000, true]);
        assert.equal(fs.readFileSync(Buffer.concat([Buffer.from(`${rootfs}/`), odd]), 'utf8'), 'odd');
        assert.equal(fs.readFileSync(path.join(rootfs, long), 'utf8'), 'long');
        assert.equal(fs.readFileSync(path.join(rootfs, 'grüße/日本'), 'utf8'), 'text');
        assert.equal(fs.readlinkSync(path.join(rootfs, 'line\nbreak')), 'tärget');
      });
    });

    it('stops when its caller goes away', async () => {
      const tar = tarOf(
        ...Array.from(
          { length: 3000 },
          (_, at): TestEntry => ({ name: `f${at}`, content: Buffer.alloc(20_000, `${at}`) }),
        ),
      );
      const blob = await stores.blob(tar);
      const controller = new AbortController();
      const done = stores.unpacker.unpack(blob, sha256(tar), [], controller.signal, () => controller.abort());
      await assert.rejects(done, (error) => isKind(error, 'cancelled'));
      const waiting = stores.unpacker.unpack(blob, sha256(tar), [sha256('missing parent')], AbortSignal.timeout(20));
      await assert.rejects(waiting, (error) => isKind(error, 'cancelled'));
      assert.deepEqual(stagesLeft(), []);
    });
  });
}
