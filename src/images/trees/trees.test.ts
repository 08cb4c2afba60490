import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createTarReader } from '../../formats/tar/reader.ts';
import { createOverlay2Driver } from '../snapshots/drivers/overlay2.ts';
import { createVfsDriver } from '../snapshots/drivers/vfs.ts';
import { openTestStores, type TestStores } from '../testing/stores.ts';
import { tarOf } from '../testing/tar.ts';
import { findChanges } from './changes.ts';
import { walkMerged } from './merged.ts';
import { tarStream } from './tar-stream.ts';

const folder = { type: 'directory', mode: 0o755 } as const;

/** Layers in which the same names are files, folders, whiteouts and opaque folders in turn. */
const layers = [
  tarOf(
    { name: 'a/', ...folder },
    { name: 'a/1', content: '1' },
    { name: 'a/2', content: '2' },
    { name: 'b/deep/er/', ...folder },
    { name: 'b/deep/er/x', content: 'x' },
    { name: 'turns', content: 'file' },
    { name: Buffer.from([0x6e, 0xff, 0xfe]), content: 'no UTF-8' },
  ),
  tarOf({ name: 'a/.wh.1', content: '' }, { name: 'turns/', ...folder }, { name: 'turns/inner', content: 'i' }),
  tarOf({ name: '.wh.b', content: '' }, { name: '.wh.turns', content: '' }, { name: 'a/1', content: 'new' }),
  tarOf({ name: 'b/deep/', ...folder }, { name: 'b/deep/y', content: 'y' }, { name: 'a/.wh..wh..opq', content: '' }),
  tarOf({ name: 'a/', ...folder }, { name: 'a/3', content: '3' }, { name: 'turns', content: 'a file again' }),
];

const find = (root: string): string[] =>
  execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P\n'], { cwd: root, encoding: 'latin1' })
    .split('\n')
    .filter(Boolean)
    .sort();

for (const createDriver of [createOverlay2Driver, createVfsDriver]) {
  describe(`the trees of ${createDriver === createVfsDriver ? 'vfs' : 'overlay2'}`, () => {
    let stores: TestStores;
    beforeEach(async () => {
      stores = await openTestStores(createDriver);
    });
    afterEach(() => stores.close());

    it('are read as the kernel shows them', async () => {
      const chain = await stores.unpackTars(...layers);
      for (let length = 1; length <= chain.length; length += 1) {
        const walked: string[] = [];
        for await (const file of walkMerged(stores.driver.stack(chain.slice(0, length)))) walked.push(file.path);
        const mounted = await stores.withRootfs(chain.slice(0, length), find);
        assert.deepEqual(walked.toSorted(), mounted, `${length} layers`);
        const parents = walked.map((name) => name.slice(0, Math.max(name.lastIndexOf('/'), 0)));
        assert.ok(parents.every((name, at) => name === '' || walked.indexOf(name) < at));
      }
    });

    it('tell what a container did, with names that are no text', async () => {
      const chain = await stores.unpackTars(...layers);
      await stores.withRootfs(chain, async (rootfs) => {
        const script = `rm a/3 $'n\\xff\\xfe'; mkdir a/3 proc; touch a/3/in $'m\\xff' proc/x; rm -r b; mkdir -p b/deep dev`;
        execFileSync('bash', ['-euc', script], { cwd: rootfs });
        const layer = stores.driver.writable('test1');
        assert.ok(layer);
        const changes = await findChanges(layer, new Set(['dev', 'proc']));
        assert.deepEqual(
          changes.map(({ path: name, kind }) => `${kind[0]} ${name}`),
          ['m a', 'm a/3', 'a a/3/in', 'm b', 'm b/deep', 'd b/deep/y', 'a m\xff', 'd n\xff\xfe', 'a proc', 'a proc/x'],
        );
      });
      assert.equal(stores.driver.writable('none'), undefined);
    });
  });
}

async function listenAt(file: string): Promise<Disposable> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(file, resolve));
  return { [Symbol.dispose]: () => void server.close() };
}

describe('the tar of a tree', () => {
  it('leaves out sockets and what is gone, and gives the same bytes each time', async () => {
    const stores = await openTestStores(createOverlay2Driver);
    try {
      const root = path.join(stores.root, 'tree');
      fs.mkdirSync(path.join(root, 'd'), { recursive: true });
      fs.writeFileSync(path.join(root, 'd/file'), 'content');
      using socket = await listenAt(path.join(root, 's'));
      assert.ok(socket);
      const names = ['d', 'd/file', 'd/gone', 's', 'd/file/below'];
      const pack = () => buffer(tarStream(names.map((name) => ({ root, path: name }))));
      const tar = await pack();
      assert.deepEqual(await pack(), tar);
      const found: string[] = [];
      const reader = createTarReader({
        entry: (entry) => found.push(String(entry.path)),
        data: () => {},
        end: () => {},
      });
      reader.feed(tar);
      reader.finish();
      assert.deepEqual(found, ['d/', 'd/file']);
      const marks = await buffer(tarStream([{ root, path: 'x/y', deleted: true }]));
      assert.equal(marks.toString('latin1', 0, 9), 'x/.wh.y\0\0');
    } finally {
      await stores.close();
    }
  });
});
