import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sha256 } from '../../formats/digest.ts';
import { formatEntry, tarTrailer } from '../../formats/tar/writer.ts';
import { createOverlay2Driver } from '../snapshots/drivers/overlay2.ts';
import { createVfsDriver } from '../snapshots/drivers/vfs.ts';
import { openTestStores, type TestStores } from '../testing/stores.ts';
import type { BuildLayers, LayerFile, LayerPart } from './contract.ts';
import { createBuildLayers } from './layers.ts';

const O_TMPFILE = 0o20000000 | fs.constants.O_DIRECTORY;
const look = { mode: 0o4755, uid: 7, gid: 8, mtime: 1_700_000_000_123_456_789n };

for (const [name, createDriver, links] of [
  ['overlay2', createOverlay2Driver, true],
  ['vfs', createVfsDriver, false],
] as const) {
  describe(`a layer of files that are open, with ${name}`, () => {
    let stores: TestStores;
    let layers: BuildLayers;
    const fds: number[] = [];
    before(async () => {
      stores = await openTestStores(createDriver);
      layers = createBuildLayers({ ...stores, events: { publish() {} }, refresh: async () => {} });
    });
    after(async () => {
      for (const fd of fds) fs.closeSync(fd);
      await stores.close();
    });

    const file = (content: string, place: string, more: Partial<LayerFile> = {}): LayerFile => {
      const fd = fs.openSync(stores.root, fs.constants.O_RDWR | O_TMPFILE, 0o600);
      fds.push(fd);
      fs.writeSync(fd, content);
      return described({ ...look, fd, name: place, size: content.length, give: () => true, ...more });
    };
    const described = (one: Omit<LayerFile, 'head' | 'padding'>): LayerFile => {
      const { size, mode, uid, gid, mtime } = one;
      const head = formatEntry({ name: Buffer.from(one.name), type: 'file', size, mode, uid, gid, mtime });
      return { ...one, head, padding: (512 - (size % 512)) % 512 };
    };
    const make = async (...parts: LayerPart[]) => {
      async function* tar(): AsyncGenerator<LayerPart> {
        yield* [...parts, tarTrailer()];
      }
      const options = { holder: 'test', owned: true };
      const made = await layers.unpack([], tar(), options, new AbortController().signal);
      const { blob } = stores.state.layer(made.chainId) ?? assert.fail('not recorded');
      assert.equal(sha256(fs.readFileSync(stores.content.path(blob.digest))), made.diffId);
      const folder = stores.driver.stack([made.chainId])[0] ?? '';
      return { ...made, at: (place: string) => path.join(folder, place) };
    };
    /** Whether a file of a layer is the open one. */
    const isOpenOne = (place: string, { fd }: LayerFile): boolean => fs.statSync(place).ino === fs.fstatSync(fd).ino;

    it('has them as they are, without a copy where layers stand alone', async () => {
      const own = file('large content', 'deep/er/file');
      const made = await make(own);
      const stat = fs.statSync(made.at('deep/er/file'), { bigint: true });
      assert.equal(fs.readFileSync(made.at('deep/er/file'), 'utf8'), 'large content');
      assert.deepEqual(
        [stat.mode & 0o7777n, stat.uid, stat.gid, stat.mtimeNs, stat.nlink],
        [0o4755n, 7n, 8n, look.mtime, 1n],
      );
      assert.deepEqual([isOpenOne(made.at('deep/er/file'), own), made.size], [links, 13]);
    });

    it('has a copy of one that may not be given, or looks otherwise already', async () => {
      const kept = file('not given', 'file', { give: () => false });
      assert.equal(isOpenOne((await make(kept)).at('file'), kept), false);
      assert.equal(fs.fstatSync(kept.fd).nlink, 0);
    });

    it('has the one of another layer as long as that is there, and a copy afterwards', async () => {
      const own = file('twice', 'first');
      const first = await make(own);
      const second = described({ ...own, name: 'second' });
      assert.equal(isOpenOne((await make(second)).at('second'), own), links);
      await stores.driver.remove(first.chainId);
      const third = await make(described({ ...own, name: 'third' }));
      assert.equal(fs.readFileSync(third.at('third'), 'utf8'), 'twice');
      assert.equal(fs.statSync(third.at('third')).mode & 0o7777, 0o4755);

      const lost = file('removed', 'lost');
      await stores.driver.remove((await make(lost)).chainId);
      const again = await make(described({ ...lost, name: 'again' }));
      assert.deepEqual(
        [fs.readFileSync(again.at('again'), 'utf8'), isOpenOne(again.at('again'), lost)],
        ['removed', false],
      );
    });

    it('has a file where something else was, or behind a link, as its tar says', async () => {
      const before = formatEntry({ name: Buffer.from('place'), type: 'directory', mode: 0o755 });
      const replaced = await make(before, file('in its place', 'place'));
      assert.equal(fs.readFileSync(replaced.at('place'), 'utf8'), 'in its place');
      const link = formatEntry({
        name: Buffer.from('to'),
        type: 'symlink',
        linkName: Buffer.from('real'),
        mode: 0o777,
      });
      const behind = await make(link, file('behind', 'to/file'));
      assert.equal(fs.readFileSync(behind.at('real/file'), 'utf8'), 'behind');
    });

    it('is refused when a file is shorter than it was, and nothing is left', async () => {
      const short = file('short', 'file');
      const before = fs.readdirSync(path.join(stores.root, 'content/ingest'));
      await assert.rejects(make(described({ ...short, size: 600 })), { code: 'layer-changed' });
      assert.deepEqual(fs.readdirSync(path.join(stores.root, 'content/ingest')), before);
      assert.deepEqual(fs.readdirSync(path.join(stores.root, 'snapshots/stages')), []);
    });
  });
}
