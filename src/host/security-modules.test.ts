import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { relabel } from './security-modules.ts';
import { getXattr } from './xattr.ts';

const label = 'system_u:object_r:container_file_t:s0:c1,c2';
const labelOf = (file: string) => getXattr(file, 'security.selinux')?.toString();

it('labels a tree, follows no link, and leaves folders of the system alone', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-labels-'));
  try {
    for (const folder of ['tree/deep/er', 'outside']) fs.mkdirSync(path.join(root, folder), { recursive: true });
    for (const file of ['tree/a', 'tree/deep/er/b', 'outside/c']) fs.writeFileSync(path.join(root, file), '');
    fs.symlinkSync('../outside', path.join(root, 'tree/link'));
    fs.symlinkSync('../outside/c', path.join(root, 'tree/file-link'));
    await relabel(path.join(root, 'tree'), label);
    for (const file of ['tree', 'tree/a', 'tree/deep', 'tree/deep/er/b', 'tree/link'])
      assert.equal(labelOf(path.join(root, file)), `${label}\0`, file);
    for (const file of ['outside', 'outside/c']) assert.equal(labelOf(path.join(root, file)), undefined, file);
    await relabel(path.join(root, 'outside/c'), label);
    assert.equal(labelOf(path.join(root, 'outside/c')), `${label}\0`, 'a file alone');
    for (const folder of ['/', '/etc', '/usr/', '/var/../home'])
      await assert.rejects(relabel(folder, label), { kind: 'invalid', message: /relabeling of .* is not allowed/ });
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
});
