import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import type { ProgressMessage } from '../../src/api/types/image.ts';
import { runChecked } from '../../src/base/process.ts';
import { setXattr } from '../../src/host/xattr.ts';
import { describeTree } from '../helpers/file-tree.ts';
import { makeImage, pushImage, tarOf } from '../helpers/image-layout.ts';
import { openPullEngine } from '../helpers/pull-engine.ts';
import { startRegistry } from '../helpers/registry.ts';

/** A layer: what it does to the tree below it, as a script, and the files that stand for it in the tar, as another. */
interface LayerScript {
  readonly removes?: string;
  readonly adds: string;
  /** Whiteouts, only in the tar. */
  readonly marks?: string;
}

const long = (letter: string, length: number): string => letter.repeat(length);

const layers: readonly LayerScript[] = [
  {
    adds: `
      mkdir -p bin etc usr/lib var/cache var/log tmp dev home/user/.config
      printf '#!/bin/sh\\n' >bin/sh; chmod 755 bin/sh; cp bin/sh bin/su; chmod 4755 bin/su; cp bin/sh bin/write; chmod 2755 bin/write
      ln bin/sh bin/dash; ln bin/sh usr/lib/shell; ln -s ../bin/sh usr/sh; ln -s /etc/passwd etc/absolute; ln -s nowhere etc/dangling
      chmod 1777 tmp; chown 1000:1001 home/user; chmod 700 home/user; printf x >home/user/.config/a; chown -R 1000:1001 home/user/.config
      printf secret >etc/shadow; chmod 000 etc/shadow; chown 0:42 etc/shadow
      mknod dev/null c 1 3; mknod dev/loop b 7 0; mkfifo tmp/fifo
      for n in 1 2 3; do printf "$n" >var/cache/$n; printf "$n" >var/log/$n; done
      mkdir -p usr/share; printf old >usr/share/becomes-folder; mkdir usr/share/becomes-file; printf y >usr/share/becomes-file/inner
      touch 'name with blanks' $'new\\nline' 'ünïcödé'; : >empty`,
  },
  {
    removes: `rm var/log/2; rm -r home/user/.config`,
    marks: `mkdir -p var/log home/user; : >var/log/.wh.2; : >home/user/.wh..config; chown 1000:1001 home/user; chmod 700 home/user`,
    adds: `
      mkdir -p ${long('d', 120)}/${long('e', 120)} etc
      printf long >${long('d', 120)}/${long('e', 120)}/${long('f', 200)}
      truncate -s 3M sparse; printf middle | dd of=sparse bs=1 seek=1500000 conv=notrunc status=none
      printf changed >etc/shadow; chmod 640 etc/shadow`,
  },
  {
    removes: `rm var/cache/*; rm usr/share/becomes-folder; rm -r usr/share/becomes-file`,
    marks: `mkdir -p var/cache; : >var/cache/.wh..wh..opq`,
    adds: `
      mkdir -p var/cache usr/share/becomes-folder; printf 9 >var/cache/9
      printf inner >usr/share/becomes-folder/inner; printf file >usr/share/becomes-file
      mkdir -p home/user; chown 1000:1001 home/user; chmod 750 home/user`,
  },
  { adds: `mkdir -p usr/lib; head -c 2000000 /dev/urandom >usr/lib/big; ln usr/lib/big usr/lib/big2` },
];

const shell = (folder: string, script: string): Promise<string> =>
  runChecked('bash', ['-euc', `umask 022; cd "$0"; ${script}`, folder]);

/** Makes the tar of each layer, and the tree that they are to give, in `expected`. */
async function makeLayers(scratch: string, expected: string): Promise<Buffer[]> {
  const tars: Buffer[] = [];
  await fs.mkdir(expected);
  for (const [at, layer] of layers.entries()) {
    const folder = path.join(scratch, `layer-${at}`);
    await fs.mkdir(folder);
    await shell(folder, layer.adds);
    if (at === 0) {
      setXattr(path.join(folder, 'bin/sh'), 'user.note', Buffer.from('attribute'));
      // cap_net_raw=ep, as linux/capability.h lays it out (version 2)
      const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
      setXattr(path.join(folder, 'bin/write'), 'security.capability', capability);
    }
    await shell(folder, `${layer.marks ?? ':'}; find . -exec touch -h -d @$((1600000000 + ${at})) {} +`);
    await shell(expected, layer.removes ?? ':');
    await runChecked('cp', ['-a', '--sparse=always', `${folder}/.`, expected]);
    await shell(expected, `find . -name '.wh.*' -delete`);
    await shell(folder, `find . -type d -exec touch -r {} '${expected}/{}' ';'`);
    tars.push(await tarOf(folder, path.join(scratch, 'layer.tar')));
  }
  return tars;
}

test('pulls what skopeo pushed, and the mounted image is the tree that was packed', async () => {
  const scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-tree-'));
  try {
    const expected = path.join(scratch, 'expected');
    const tars = await makeLayers(scratch, expected);
    await using registry = await startRegistry();
    const name = `${registry.host}/deep/er/tree:v1`;
    const image = makeImage(tars);
    await pushImage(image, name, scratch);
    await fs.mkdir(path.join(scratch, 'engine'));
    await using engine = openPullEngine(path.join(scratch, 'engine'));
    const lines: ProgressMessage[] = [];

    const id = await engine.pull(name, {}, (line) => lines.push(line));

    assert.equal(id, image.config.digest);
    assert.equal(lines.filter(({ status }) => status === 'Pull complete').length, tars.length);
    const found = await engine.withMounted(id, describeTree);
    assert.deepEqual(found, describeTree(expected));
    assert.ok(found.length > 40);
    for (const [digest, bytes] of image.blobs) {
      assert.deepEqual(await fs.readFile(engine.stores.content.path(digest)), bytes, 'blobs are kept byte for byte');
    }
  } finally {
    await fs.rm(scratch, { recursive: true, force: true });
  }
});
