import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { run } from '../base/process.ts';
import { listMounts } from './mount.ts';
import { bindReadOnly, releaseProgram } from './read-only-program.ts';

it('a program shown read-only runs, cannot be overwritten, and is replaced by the next', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tug-program-'));
  const program = path.join(folder, 'program');
  const target = path.join(folder, 'bin/shown');
  try {
    copyFileSync('/bin/true', program);
    assert.equal(bindReadOnly(program, target), target);
    assert.equal((await run(target, [])).code, 0);
    assert.throws(() => openSync(target, 'r+'), { code: /EROFS|ETXTBSY/ });
    rmSync(program);
    copyFileSync('/bin/false', program);
    bindReadOnly(program, target);
    assert.equal((await run(target, [])).code, 1);
    assert.equal(listMounts(folder).length, 1);
  } finally {
    releaseProgram(target);
    rmSync(folder, { recursive: true });
  }
  assert.equal(listMounts(folder).length, 0);
});
