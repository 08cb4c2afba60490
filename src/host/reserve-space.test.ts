import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { it } from 'node:test';
import { reserveSpace } from './reserve-space.ts';

it('takes blocks beyond the end of a file and leaves its size and content', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-reserve-'));
  try {
    const file = path.join(folder, 'file');
    fs.writeFileSync(file, 'content');
    reserveSpace(file, 1024 * 1024);
    reserveSpace(file, 1024 * 1024);
    const { size, blocks } = fs.statSync(file);
    assert.deepEqual([size, fs.readFileSync(file, 'utf8')], [7, 'content']);
    assert.ok(blocks * 512 >= 1024 * 1024 && blocks * 512 < 2 * 1024 * 1024, `${blocks} blocks`);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
