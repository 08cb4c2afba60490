import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { listMounts } from '../../src/host/mount.ts';
import { disagreements } from '../crash/invariants.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
let folder: string;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  folder = path.join(engine.root, 'mounted');
  mkdirSync(path.join(folder, 'below'), { recursive: true });
  writeFileSync(path.join(folder, 'file'), 'from the host\n');
});
after(() => engine?.[Symbol.asyncDispose]());

for (const cli of commandLines) {
  const once = (...args: string[]) => engine[cli](['run', '--rm', ...args]);

  describe(`mounts of ${cli} run`, () => {
    it('show folders and files of the host, to write or only to read', async () => {
      const said = await once('-v', `${folder}:/x`, 'busybox', 'sh', '-c', `cat /x/file; echo back > /x/${cli}`);
      assert.deepEqual(said, { code: 0, stdout: 'from the host\n', stderr: '' });
      assert.equal(readFileSync(path.join(folder, cli), 'utf8'), 'back\n');
      const refused = await once('-v', `${folder}:/x:ro`, 'busybox', 'touch', '/x/new');
      assert.deepEqual(refused, { code: 1, stdout: '', stderr: 'touch: /x/new: Read-only file system\n' });
      const file = await once(
        '-v',
        `${folder}/file:/etc/one:ro`,
        'busybox',
        'sh',
        '-c',
        'cat /etc/one; echo no > /etc/one',
      );
      assert.equal(file.stdout, 'from the host\n');
      assert.match(file.stderr, /Read-only file system/);
    });

    it('make a missing host folder for -v, and not for --mount', async () => {
      const missing = path.join(folder, `made-${cli}/deeper`);
      assert.equal((await once('-v', `${missing}:/x`, 'busybox', 'touch', '/x/in')).code, 0);
      assert.ok(existsSync(path.join(missing, 'in')));
      const absent = path.join(folder, 'absent');
      const refused = await once('--mount', `type=bind,source=${absent},target=/x`, 'busybox');
      assert.equal(refused.code, 125);
      assert.match(
        refused.stderr,
        new RegExp(`invalid mount config for type "bind": bind source path does not exist: ${absent}`),
      );
      assert.ok(!existsSync(absent));
      const read = await once('--mount', `type=bind,src=${folder},dst=/x,readonly`, 'busybox', 'touch', '/x/new');
      assert.match(read.stderr, /Read-only file system/);
    });

    it('lie in each other in the order of their depth, over what the image has', async () => {
      const args = ['-v', `${folder}:/a/b/c`, '--tmpfs', '/a', '-v', `${folder}/below:/a/b`];
      const said = await once(...args, 'busybox', 'sh', '-c', 'ls /a /a/b; cat /a/b/c/file');
      assert.equal(said.stdout, '/a:\nb\n\n/a/b:\nc\n' + 'from the host\n');
      const over = await once(
        '-v',
        `${folder}:/bin/x`,
        '-v',
        `${folder}/file:/etc/passwd`,
        'busybox',
        'sh',
        '-c',
        'cat /etc/passwd; ls /bin/x/file',
      );
      assert.equal(over.stdout, 'from the host\n/bin/x/file\n');
    });

    it('of tmpfs have the size and mode that were asked for', async () => {
      const script =
        'grep " /t " /proc/mounts | cut -d" " -f3,4; stat -c %a /t; dd if=/dev/zero of=/t/big bs=1k count=2000 2>&1';
      const said = await once('--tmpfs', '/t:size=1m,mode=700', 'busybox', 'sh', '-c', script);
      assert.match(
        said.stdout,
        /^tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k,mode=700\n700\n.*No space left on device/s,
      );
      const plain = await once('--tmpfs', '/t', 'busybox', 'sh', '-c', 'stat -c %a /t; touch /t/x && echo fine');
      assert.equal(plain.stdout, '1777\nfine\n');
    });

    it('stay writable in a container that is read only', async () => {
      const script = 'touch /x; touch /t/x && touch /v/ro && echo fine';
      const said = await once('--read-only', '--tmpfs', '/t', '-v', `${folder}:/v`, 'busybox', 'sh', '-c', script);
      assert.deepEqual(said, { code: 0, stdout: 'fine\n', stderr: 'touch: /x: Read-only file system\n' });
    });

    it('are told by inspect', async () => {
      await engine[cli](['create', '--name', 'told', '-v', `${folder}:/x:ro`, '-v', `${folder}/below:/y`, 'busybox']);
      const inspected = (await engine.api('GET', '/containers/told/json')).json<ContainerInspect>();
      const bind = { Type: 'bind', Propagation: 'rprivate' };
      // docker's client sends them in any order
      const mounts = inspected.Mounts.toSorted((a, b) => a.Destination.localeCompare(b.Destination));
      assert.deepEqual(mounts, [
        { ...bind, Source: folder, Destination: '/x', Mode: 'ro', RW: false },
        { ...bind, Source: `${folder}/below`, Destination: '/y', Mode: '', RW: true },
      ]);
      const binds = inspected.HostConfig['Binds'] as string[];
      assert.deepEqual(new Set(binds), new Set([`${folder}:/x:ro`, `${folder}/below:/y`]));
      await engine.tug(['rm', 'told']);
    });

    it('are refused when they are wrong', async () => {
      for (const [args, why] of [
        [['-v', `${folder}:relative`], /invalid volume specification: '.*:relative': .*mount path must be absolute/],
        [['-v', `${folder}:/x`, '-v', `${folder}/below:/x`], /Duplicate mount point: \/x/],
        [['-v', `${folder}:/`], /invalid .*destination can't be '\/'/],
        [['-v', `${folder}:/x:nosuch`], /invalid mode: nosuch/],
      ] as const) {
        const said = await once(...args, 'busybox');
        assert.equal(said.code, 125);
        assert.match(said.stderr, why);
      }
    });
  });
}

describe('mounts of the host', () => {
  it('that come later do not show in a container, nor those of a container on the host', async () => {
    const mounts = () => [...listMounts(engine.root), ...listMounts(folder)].length;
    const before = mounts();
    await engine.tug(['run', '-d', '--privileged', '--name', 'own', '-v', `${folder}:/v`, 'busybox', 'sleep', '1000']);
    await engine.tug(['exec', '--privileged', 'own', 'mount', '-t', 'tmpfs', 'none', '/v/below']);
    await engine.tug(['exec', 'own', 'touch', '/v/below/hidden']);
    assert.ok(!existsSync(path.join(folder, 'below/hidden')));
    await engine.tug(['rm', '-f', 'own']);
    assert.equal(mounts(), before);
    assert.deepEqual(await disagreements(engine), []);
  });

  it('are left alone when a container is removed', async () => {
    await engine.tug(['run', '--rm', '-v', `${folder}:/v`, 'busybox', 'true']);
    await engine.docker(['run', '--name', 'removed', '-v', `${folder}:/v`, 'busybox', 'true']);
    await engine.docker(['rm', '-v', 'removed']);
    assert.equal(readFileSync(path.join(folder, 'file'), 'utf8'), 'from the host\n');
  });
});
