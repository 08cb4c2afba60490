import assert from 'node:assert/strict';
import fsNow from 'node:fs';
import * as fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { sha256 } from '../../formats/digest.ts';
import { makeNode, nodeTypes } from '../../host/mknod.ts';
import { listMounts, unmount } from '../../host/mount.ts';
import { setXattr } from '../../host/xattr.ts';
import type { LayerStage, SnapshotDriver } from './contract.ts';

/** What every snapshot driver must do. Call it from the driver's own test file; needs root. */
export function snapshotDriverSuite(name: string, create: (root: string) => SnapshotDriver): void {
  describe(`snapshot driver ${name}`, () => {
    let root = '';
    let driver: SnapshotDriver;
    const base = sha256('base');
    const upper = sha256('upper');
    const target = (id: string): string => path.join(root, 'mnt', id);

    before(async () => {
      root = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-snapshots-'));
      driver = create(path.join(root, 'store'));
    });
    after(async () => {
      for (const entry of listMounts(root).reverse()) unmount(entry.target, { detach: true });
      await fs.rm(root, { recursive: true, force: true });
    });

    const layer = async (chainId: string, parents: string[], fill: (stage: LayerStage) => Promise<void>) => {
      const stage = await driver.stage(parents);
      await fill(stage);
      await stage.commit(chainId);
    };
    const withRootfs = async (id: string, layers: string[], work: (rootfs: string) => Promise<void>) => {
      await driver.prepare(id, layers);
      await driver.mount(id, target(id));
      try {
        await work(target(id));
      } finally {
        await driver.unmount(id, target(id));
        await driver.discard(id);
      }
    };

    it('commits a stage under its chain-id', async () => {
      assert.equal(driver.has(base), false);
      await layer(base, [], async ({ folder }) => {
        await fs.writeFile(path.join(folder, 'kept'), 'base');
        await fs.writeFile(path.join(folder, 'deleted'), 'base');
        await fs.mkdir(path.join(folder, 'dir'));
        await fs.writeFile(path.join(folder, 'dir/old'), 'old');
      });
      assert.equal(driver.has(base), true);
      assert.deepEqual(await driver.list(), [base]);
    });

    it('drops a stage whose chain-id is there already', async () => {
      await layer(base, [], ({ folder }) => fs.writeFile(path.join(folder, 'other'), ''));
      await withRootfs('again', [base], async (rootfs) => {
        assert.deepEqual((await fs.readdir(rootfs)).sort(), ['deleted', 'dir', 'kept']);
      });
    });

    it('shows deletions and opaque folders of an upper layer', async () => {
      await layer(upper, [base], async ({ folder, whiteouts }) => {
        if (whiteouts === 'overlay') {
          makeNode(path.join(folder, 'deleted'), nodeTypes.character, 0, 0);
          await fs.mkdir(path.join(folder, 'dir'));
          setXattr(path.join(folder, 'dir'), 'trusted.overlay.opaque', Buffer.from('y'));
        } else {
          await fs.rm(path.join(folder, 'deleted'));
          await fs.rm(path.join(folder, 'dir/old'));
        }
        await fs.writeFile(path.join(folder, 'dir/new'), 'new');
      });
      await withRootfs('deletions', [base, upper], async (rootfs) => {
        assert.deepEqual((await fs.readdir(rootfs)).sort(), ['dir', 'kept']);
        assert.deepEqual(await fs.readdir(path.join(rootfs, 'dir')), ['new']);
      });
    });

    it('keeps what a container wrote across unmount and mount, and away from the layers', async () => {
      await driver.prepare('writer', [base]);
      await driver.prepare('writer', [base]);
      await driver.mount('writer', target('writer'));
      await driver.mount('writer', target('writer'));
      assert.equal(listMounts(target('writer')).length, 1);
      await fs.writeFile(path.join(target('writer'), 'kept'), 'changed by the container');
      await driver.unmount('writer', target('writer'));
      await driver.unmount('writer', target('writer'));
      assert.equal(await driver.usage('writer'), 'changed by the container'.length);
      await driver.mount('writer', target('writer'));
      assert.equal(await fs.readFile(path.join(target('writer'), 'kept'), 'utf8'), 'changed by the container');
      await driver.unmount('writer', target('writer'));
      await withRootfs('reader', [base], async (rootfs) => {
        assert.equal(await fs.readFile(path.join(rootfs, 'kept'), 'utf8'), 'base');
      });
      assert.deepEqual(await driver.containers(), ['writer']);
      await driver.discard('writer');
      await driver.discard('writer');
      assert.deepEqual(await driver.containers(), []);
    });

    it('minds no container of the same name below another root', async () => {
      const other = create(path.join(root, 'other'));
      await other.prepare('twin', []);
      await other.mount('twin', target('other-twin'));
      await withRootfs('twin', [base], async () => {
        await assert.rejects(driver.discard('twin'), (error) => isKind(error, 'conflict'));
      });
      await assert.rejects(other.discard('twin'), (error) => isKind(error, 'conflict'));
      await other.unmount('twin', target('other-twin'));
      await other.discard('twin');
    });

    it('makes what a container wrote a layer', async () => {
      await driver.prepare('worker', [base], { volatile: true });
      await driver.mount('worker', target('worker'));
      await fs.writeFile(path.join(target('worker'), 'made'), 'by the worker');
      await fs.rm(path.join(target('worker'), 'deleted'));
      await assert.rejects(driver.adopt('worker', sha256('adopted')), (error) => isKind(error, 'conflict'));
      await driver.unmount('worker', target('worker'));
      await driver.adopt('worker', sha256('adopted'));
      assert.equal(driver.has(sha256('adopted')), true);
      assert.deepEqual(await driver.containers(), []);
      await withRootfs('on-it', [base, sha256('adopted')], async (rootfs) => {
        assert.deepEqual((await fs.readdir(rootfs)).sort(), ['dir', 'kept', 'made']);
      });
      await assert.rejects(driver.adopt('worker', sha256('adopted')), (error) => isKind(error, 'not-found'));
      await driver.remove(sha256('adopted'));
    });

    it('mounts a volatile layer again after an unmount', async () => {
      await driver.prepare('passing', [base], { volatile: true });
      for (const content of ['one', 'two']) {
        await driver.mount('passing', target('passing'));
        await fs.writeFile(path.join(target('passing'), content), content);
        await driver.unmount('passing', target('passing'));
      }
      await driver.mount('passing', target('passing'));
      assert.equal(await fs.readFile(path.join(target('passing'), 'one'), 'utf8'), 'one');
      await driver.unmount('passing', target('passing'));
      await driver.discard('passing');
    });

    it('gives the root of a container mode 0755', async () => {
      await layer(sha256('private root'), [], ({ folder }) => fs.chmod(folder, 0o700));
      await withRootfs('root-mode', [sha256('private root')], async (rootfs) => {
        assert.equal((await fs.stat(rootfs)).mode & 0o7777, 0o755);
      });
    });

    it('runs a container without layers', async () => {
      await withRootfs('scratch', [], async (rootfs) => {
        assert.deepEqual(await fs.readdir(rootfs), []);
        await fs.writeFile(path.join(rootfs, 'file'), '');
      });
    });

    it('shows what a container sees, prepared or not, mounted elsewhere or not, and lets nobody write there', async () => {
      for (const [id, prepared] of [
        ['seen', true],
        ['unseen', false],
      ] as const) {
        if (prepared) {
          await driver.prepare(id, [base]);
          await driver.mount(id, target(id));
          await fs.writeFile(path.join(target(id), 'own'), 'written');
          await driver.unmount(id, target(id));
        }
        const shown = path.join(root, `shown-${id}`);
        await fs.mkdir(shown);
        await driver.show(id, [base], shown);
        assert.equal(await fs.readFile(path.join(shown, 'kept'), 'utf8'), 'base');
        assert.equal(await fs.readFile(path.join(shown, 'own'), 'utf8').catch(() => ''), prepared ? 'written' : '');
        await assert.rejects(fs.writeFile(path.join(shown, 'kept'), ''), { code: 'EROFS' });
        if (prepared) {
          await driver.mount(id, target(id));
          await driver.unmount(id, target(id));
        }
        unmount(shown, { detach: true });
        if (prepared) await driver.discard(id);
      }
      assert.deepEqual(await driver.containers(), []);
    });

    it('refuses to discard while mounted and to remove a layer in use', async () => {
      await driver.prepare('busy', [base, upper]);
      await assert.rejects(driver.remove(base), (error) => isKind(error, 'conflict'));
      await driver.mount('busy', target('busy'));
      await assert.rejects(driver.discard('busy'), (error) => isKind(error, 'conflict'));
      await driver.unmount('busy', target('busy'));
      await driver.discard('busy');
    });

    it('discards what it prepared and unmounted itself without a look at all mounts', async (t) => {
      await driver.prepare('brief', [base]);
      await driver.mount('brief', target('brief'));
      await driver.unmount('brief', target('brief'));
      const reads = t.mock.method(fsNow, 'readFileSync');
      syncBuiltinESMExports();
      try {
        await driver.discard('brief');
      } finally {
        reads.mock.restore();
        syncBuiltinESMExports();
      }
      assert.equal(reads.mock.calls.filter(({ arguments: [file] }) => String(file).includes('mountinfo')).length, 0);
      assert.deepEqual(await driver.containers(), []);
    });

    it('refuses to prepare on a layer that is missing', async () => {
      await assert.rejects(driver.prepare('lost', [sha256('nowhere')]), (error) => isKind(error, 'not-found'));
      assert.deepEqual(await driver.containers(), []);
    });

    it('abandons and sweeps stages', async () => {
      const abandoned = await driver.stage([]);
      await abandoned.abandon();
      const left = await driver.stage([base]);
      await fs.writeFile(path.join(left.folder, 'half'), '');
      assert.ok((await driver.sweep()) >= 1);
      await assert.rejects(fs.stat(left.folder));
      assert.equal(await driver.sweep(), 0);
      assert.equal(driver.has(base), true);
    });

    it('removes layers, also ones with names that are no UTF-8', async () => {
      const odd = sha256('odd names');
      await layer(odd, [], ({ folder }) =>
        fs.writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), ''),
      );
      for (const chainId of [odd, upper, base]) await driver.remove(chainId);
      await driver.remove(base);
      assert.equal(driver.has(odd), false);
      assert.deepEqual(await driver.list(), [sha256('private root')]);
    });
  });
}
