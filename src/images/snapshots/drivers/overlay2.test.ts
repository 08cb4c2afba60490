import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { isKind } from '../../../base/errors.ts';
import { sha256 } from '../../../formats/digest.ts';
import { unmount } from '../../../host/mount.ts';
import { snapshotDriverSuite } from '../contract-suite.ts';
import { createOverlay2Driver } from './overlay2.ts';

snapshotDriverSuite('overlay2', createOverlay2Driver);

async function inTemporaryFolder(name: string, work: (root: string) => Promise<void>): Promise<void> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), name));
  try {
    await work(root);
  } finally {
    unmount(path.join(root, 'mnt'), { detach: true });
    await fs.rm(root, { recursive: true, force: true });
  }
}

it('mounts 127 layers and refuses 128', async () => {
  await inTemporaryFolder('tug-127-layers-', async (root) => {
    const driver = createOverlay2Driver(path.join(root, 'store'));
    const layers: string[] = [];
    for (let n = 0; n < 128; n += 1) {
      const stage = await driver.stage(layers);
      await fs.writeFile(path.join(stage.folder, `file-${n}`), '');
      await fs.writeFile(path.join(stage.folder, 'top'), String(n));
      layers.push(sha256(String(n)));
      await stage.commit(layers.at(-1)!);
    }
    await assert.rejects(driver.prepare('many', layers), (error) => isKind(error, 'unsupported'));
    await driver.prepare('many', layers.slice(0, 127));
    await driver.mount('many', path.join(root, 'mnt'));
    assert.equal((await fs.readdir(path.join(root, 'mnt'))).length, 128);
    assert.equal(await fs.readFile(path.join(root, 'mnt/top'), 'utf8'), '126');
    await driver.unmount('many', path.join(root, 'mnt'));
  });
});

it('mounts below a root whose name has a comma, a colon, a blank and a backslash', async () => {
  await inTemporaryFolder('tug-a,b:c d\\e-', async (root) => {
    const driver = createOverlay2Driver(path.join(root, 'store'));
    const stage = await driver.stage([]);
    await fs.writeFile(path.join(stage.folder, 'file'), 'seen');
    await stage.commit(sha256('layer'));
    await driver.prepare('odd', [sha256('layer')]);
    await driver.mount('odd', path.join(root, 'mnt'));
    assert.equal(await fs.readFile(path.join(root, 'mnt/file'), 'utf8'), 'seen');
    await assert.rejects(driver.discard('odd'), (error) => isKind(error, 'conflict'));
    await driver.unmount('odd', path.join(root, 'mnt'));
    await driver.discard('odd');
  });
});
