import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readElf } from '../formats/elf.ts';
import { mount, mountFlags, unmount } from '../host/mount.ts';
import { lightProgram } from './light-program.ts';

for (const name of ['conmon', 'crun']) {
  const installed = `/usr/bin/${name}`;
  const program = readFileSync(installed);
  const needed = readElf((offset, length) => program.subarray(offset, offset + length))?.needed ?? [];
  const skip = needed.includes('libsystemd.so.0') ? false : `${name} does not need libsystemd here`;

  describe(`a ${name} without libsystemd`, { skip }, () => {
    let root = '';
    let folder = '';
    let whys: unknown[] = [];
    const light = (from = installed): string => lightProgram(from, folder, (why) => whys.push(why));
    beforeEach(() => {
      root = mkdtempSync(path.join(tmpdir(), 'tug-light-'));
      folder = path.join(root, 'programs');
      whys = [];
    });
    afterEach(() => rmSync(root, { recursive: true, force: true }));

    it('is a copy that runs silently, made once', () => {
      const file = light();
      assert.deepEqual([file, whys], [path.join(folder, name), []]);
      const { status, stdout, stderr } = spawnSync(file, ['--version'], { encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, '']);
      assert.equal(stdout, spawnSync(installed, ['--version'], { encoding: 'utf8' }).stdout);
      const made = statSync(file).ino;
      assert.deepEqual([light(), statSync(file).ino], [file, made]);
    });

    it('is made anew when another one was installed, and when the copy is not whole', () => {
      const whole = readFileSync(light());
      const other = path.join(root, name);
      writeFileSync(other, Buffer.concat([program, Buffer.from('newer')]), { mode: 0o755 });
      assert.ok(readFileSync(light(other)).subarray(-5).equals(Buffer.from('newer')));
      writeFileSync(path.join(folder, name), whole.subarray(0, 1000));
      assert.ok(readFileSync(light()).equals(whole));
    });

    it('is the installed one where that needs no libsystemd', () => {
      const other = path.join(root, name);
      copyFileSync('/bin/busybox', other);
      assert.deepEqual([light(other), whys], [other, []]);
    });

    it('is the installed one where a copy cannot be made or run, which is told', () => {
      writeFileSync(folder, 'a file');
      assert.deepEqual([light(), whys.length], [installed, 1]);
      rmSync(folder);
      mkdirSync(folder);
      mount('tmpfs', folder, 'tmpfs', mountFlags.noExec);
      try {
        assert.deepEqual([light(), whys.length], [installed, 2]);
        assert.throws(() => statSync(path.join(folder, `${name}.new`)), /ENOENT/);
      } finally {
        unmount(folder, { detach: true });
      }
    });
  });
}
