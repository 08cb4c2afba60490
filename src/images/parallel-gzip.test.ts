import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { gzipFile } from './parallel-gzip.ts';

let folder: string;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-gzip-'));
});
after(() => fs.rmSync(folder, { recursive: true }));

async function gzip(content: Buffer, level = 4): Promise<Buffer> {
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, content);
  const pieces: Buffer[] = [];
  for await (const piece of gzipFile(file, level)) pieces.push(piece);
  return Buffer.concat(pieces);
}

it('is read by gunzip and gzip, whatever the size', async () => {
  const mixed = (size: number): Buffer =>
    Buffer.concat([randomBytes(size / 4), Buffer.alloc(size - size / 4, 'a text that repeats itself, ')]);
  const mebibyte = 1024 * 1024;
  const contents = [
    Buffer.alloc(0),
    Buffer.from('x'),
    mixed(mebibyte),
    Buffer.alloc(mebibyte + 1),
    mixed(5 * mebibyte + 4),
  ];
  for (const content of contents) {
    const packed = await gzip(content);
    assert.ok(gunzipSync(packed).equals(content), `${content.length} bytes`);
    const { stdout, status } = spawnSync('gzip', ['-dc'], { input: packed, maxBuffer: 100 * mebibyte });
    assert.equal(status, 0);
    assert.ok(stdout.equals(content), `${content.length} bytes`);
    assert.deepEqual(await gzip(content), packed);
  }
});

it('finds what repeats across pieces', async () => {
  const page = randomBytes(16 * 1024);
  const content = Buffer.concat(Array.from({ length: 4 * 64 }, () => page));
  assert.ok((await gzip(content)).length < 100_000);
});

it('says that there is no file', async () => {
  await assert.rejects(gzipFile(path.join(folder, 'none'), 4).next(), { code: 'ENOENT' });
});
