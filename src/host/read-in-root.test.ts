import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { resolveInRoot } from './read-in-root.ts';

const renameWithoutEnd = `
  const fs = require('node:fs');
  fs.mkdirSync('one');
  process.stdout.write('begun');
  for (;;) {
    fs.renameSync('one', 'two');
    fs.renameSync('two', 'one');
  }
`;

it('a path with ".." is found while another process renames all the time', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-in-root-'));
  fs.mkdirSync(path.join(root, 'a'));
  fs.symlinkSync('../'.repeat(20), path.join(root, 'a/climbs'));
  const renames = spawn(process.execPath, ['-e', renameWithoutEnd], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(renames, 'close');
  try {
    await once(renames.stdout, 'data');
    for (let times = 0; times < 3000; times += 1) {
      assert.equal(resolveInRoot(root, 'a/climbs/a/../a'), path.join(root, 'a'));
    }
  } finally {
    renames.kill('SIGKILL');
    await ended;
    fs.rmSync(root, { recursive: true });
  }
});
