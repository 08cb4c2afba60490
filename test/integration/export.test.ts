import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import type { FilesystemChange } from '../../src/api/types/container.ts';
import { runChecked } from '../../src/base/process.ts';
import {
  everyKindOfChange,
  everyKindOfFile,
  markFiles,
  shell,
  startIdle,
  treeOf,
} from '../helpers/changed-container.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

async function unpack(engine: TestEngine, archive: string): Promise<string> {
  const folder = await fs.mkdtemp(path.join(engine.root, 'unpacked-'));
  const flags = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner', '-p'];
  await fs.chmod(folder, 0o755);
  await runChecked('tar', [...flags, '-C', folder, '-xf', archive]);
  return folder;
}

for (const driver of ['overlay2', 'vfs']) {
  describe(`export with ${driver}`, () => {
    it('gives all files of a container that runs, has ended or never ran', async () => {
      await using engine = await startEngine({ args: ['--storage-driver', driver] });
      const image = await starterImage(engine);
      const rootfs = await startIdle(engine, image, 'one');
      await shell(rootfs, everyKindOfFile);
      markFiles(rootfs);
      await engine.docker(['commit', 'one', 'made']);
      const changed = await startIdle(engine, 'made', 'two');
      await shell(changed, everyKindOfChange);
      const tree = treeOf(changed);

      const running = path.join(engine.root, 'running.tar');
      const docker = await engine.docker(['export', '-o', running, 'two']);
      assert.equal(docker.code, 0, docker.stderr);
      assert.deepEqual(treeOf(await unpack(engine, running)), tree);
      await engine.api('POST', '/containers/two/stop?t=0');
      const ended = path.join(engine.root, 'ended.tar');
      assert.equal((await engine.tug(['export', '-o', ended, 'two'])).code, 0);
      assert.deepEqual(await fs.readFile(ended), await fs.readFile(running), 'the same tree gives the same bytes');

      await engine.api('POST', '/containers/create?name=three', { Image: 'made' });
      const created = path.join(engine.root, 'created.tar');
      assert.equal((await engine.tug(['container', 'export', '--output', created, 'three'])).code, 0);
      assert.ok(treeOf(await unpack(engine, created)).some((line) => line.startsWith('data/fifo ')));
    });

    it('and diff tells what changed, folders first', async () => {
      await using engine = await startEngine({ args: ['--storage-driver', driver] });
      const image = await starterImage(engine);
      const rootfs = await startIdle(engine, image, 'one');
      assert.equal((await engine.docker(['diff', 'one'])).stdout, '', 'the mounts of the engine are no changes');
      await shell(rootfs, everyKindOfFile);
      await engine.docker(['commit', 'one', 'made']);
      const changed = await startIdle(engine, 'made', 'two');
      await shell(changed, everyKindOfChange);
      const docker = await engine.docker(['diff', 'two']);
      const tug = await engine.tug(['diff', 'two']);
      assert.equal(tug.stdout, docker.stdout);
      const expected = [
        ...[
          'C /bin2',
          'D /bin2/again',
          'C /bin2/tool',
          'C /data',
          'C /data/becomes-file',
          'D /data/becomes-file/inner',
        ],
        ...['C /data/becomes-folder', 'A /data/becomes-folder/inner', 'C /data/big', 'C /data/deep', 'D /data/deep/2'],
        ...['C /data/deep/er', 'C /data/deep/er/1', 'D /data/deep/er/2', 'D /data/deep/er/3', 'A /data/deep/er/again'],
        ...['D /data/fifo', 'C /data/third', 'C /var', 'D /var/log'],
      ];
      // A file that has several names is another one for overlayfs once it is written to; for a copy all names change.
      const lines = docker.stdout.trim().split('\n');
      const sure = (list: string[]) => list.filter((line) => !/tool|inner$/.test(line));
      assert.deepEqual(sure(lines), sure(expected));
    });
  });
}

describe('diff and export', () => {
  it('see what a container of real commands did, also when it has ended', async () => {
    await using engine = await startEngine();
    const image = await starterImage(engine);
    const script = 'echo x > /etc/x; rm /bin/true; mkdir /srv; touch /srv/.wh.odd; chmod 700 /home; mkdir /tmp/s';
    assert.equal((await engine.docker(['run', '--name', 'one', image, 'sh', '-c', script])).code, 0);
    const changes = (await engine.api('GET', '/containers/one/changes')).json<FilesystemChange[]>();
    assert.deepEqual(changes, [
      { Path: '/bin', Kind: 0 },
      { Path: '/bin/true', Kind: 2 },
      { Path: '/etc', Kind: 0 },
      { Path: '/etc/x', Kind: 1 },
      { Path: '/home', Kind: 0 },
      { Path: '/srv', Kind: 1 },
      { Path: '/srv/.wh.odd', Kind: 1 },
      { Path: '/tmp', Kind: 0 },
      { Path: '/tmp/s', Kind: 1 },
    ]);
  });

  it('tell what is wrong', async () => {
    await using engine = await startEngine();
    for (const verb of ['diff', 'export'] as const) {
      const tug = await engine.tug([verb, 'none']);
      assert.deepEqual([tug.code, tug.stderr], [1, 'Error response from daemon: No such container: none\n'], verb);
    }
    await engine.api('POST', '/containers/create?name=one', { Image: await starterImage(engine) });
    const folder = await engine.tug(['export', '-o', engine.root, 'one']);
    assert.deepEqual([folder.code, /cannot write to a directory/.test(folder.stderr)], [1, true]);
    assert.equal((await engine.api('GET', '/containers/one/changes')).text.trim(), '[]');
  });
});
