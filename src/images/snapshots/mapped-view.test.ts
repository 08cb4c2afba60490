import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { sha256 } from '../../formats/digest.ts';
import { actAsOwner } from '../../host/file-ids.ts';
import { listMounts, mount, mountFlags, unmount } from '../../host/mount.ts';
import { makeUserNamespace } from '../../host/user-namespace.ts';
import { createOverlay2Driver } from './drivers/overlay2.ts';
import { createVfsDriver } from './drivers/vfs.ts';

const programs = { unshare: '/usr/bin/unshare', cat: '/usr/bin/cat' };
const range = [{ inside: 0, outside: 100000, count: 65536 }];
const owner = { uid: 100000, gid: 100000 };

for (const create of [createOverlay2Driver, createVfsDriver]) {
  it(`${create.name} shows a container's files with the ids of a user namespace, and keeps them as they are`, async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-mapped-'));
    const target = path.join(root, 'mnt');
    using made = await makeUserNamespace({ uids: range, gids: range }, programs);
    const look = { mapping: { userNamespace: made.user, root: owner } };
    try {
      const driver = create(path.join(root, 'store'));
      const stage = await driver.stage([]);
      fs.writeFileSync(path.join(stage.folder, 'file'), 'x');
      fs.chownSync(path.join(stage.folder, 'file'), 5, 6);
      await stage.commit(sha256('layer'));
      await driver.prepare('a', [sha256('layer')]);
      await driver.mount('a', target, look);
      const at = (...parts: string[]) => fs.statSync(path.join(...parts));
      assert.deepEqual([at(target, 'file').uid, at(target, 'file').gid], [100005, 100006]);
      {
        using _ = actAsOwner(owner);
        fs.writeFileSync(path.join(target, 'made'), '');
        fs.appendFileSync(path.join(target, 'file'), 'y');
        fs.rmSync(path.join(target, 'file'));
      }
      assert.equal(at(target, 'made').uid, 100000);
      const { folder = '' } = driver.writable('a') ?? {};
      assert.equal(at(folder, 'made').uid, 0);
      assert.equal(fs.existsSync(path.join(target, 'file')), false);
      await driver.unmount('a', target);
      await driver.mount('a', target);
      assert.equal(at(target, 'made').uid, 0, 'without a mapping');
      await driver.unmount('a', target);
      assert.deepEqual(listMounts(root), []);
    } finally {
      unmount(target, { detach: true });
      fs.rmSync(root, { recursive: true, force: true });
    }
  });
}

it('a mount that a killed engine left is taken away', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-mapped-'));
  const driver = createOverlay2Driver(root);
  fs.mkdirSync(path.join(root, 'mapped'));
  mount(root, path.join(root, 'mapped'), '', mountFlags.bind);
  try {
    await driver.sweep();
    assert.deepEqual(listMounts(root), []);
  } finally {
    unmount(path.join(root, 'mapped'), { detach: true });
    fs.rmSync(root, { recursive: true, force: true });
  }
});
