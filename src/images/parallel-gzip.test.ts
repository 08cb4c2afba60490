import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Compressor, gzipFile } from './parallel-gzip.ts';
import { openUnpacked } from './unpack/decompress.ts';

let folder: string;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-gzip-'));
});
after(() => fs.rmSync(folder, { recursive: true }));

async function gzip(content: Buffer, compressor?: Compressor): Promise<Buffer> {
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, content);
  const pieces: Buffer[] = [];
  for await (const piece of gzipFile(file, compressor)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function unpack(packed: Buffer): Promise<Buffer> {
  const file = path.join(folder, 'packed');
  fs.writeFileSync(file, packed);
  const pieces: Buffer[] = [];
  for await (const piece of openUnpacked(file, () => {}).pieces) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

const mebibyte = 1024 * 1024;
const mixed = (size: number): Buffer =>
  Buffer.concat([randomBytes(size / 4), Buffer.alloc(size - size / 4, 'a text that repeats itself, ')]);

for (const compressor of ['zlib', 'libdeflate'] as const) {
  it(`is read by this engine, gunzip and gzip, whatever the size (${compressor})`, async () => {
    const contents = [
      Buffer.alloc(0),
      Buffer.from('x'),
      mixed(mebibyte),
      Buffer.alloc(mebibyte + 1),
      randomBytes(3 * mebibyte), // members longer than what is read at once, so that their ends fall anywhere
      mixed(5 * mebibyte + 4),
    ];
    for (const content of contents) {
      const packed = await gzip(content, compressor);
      assert.ok(gunzipSync(packed).equals(content), `${content.length} bytes`);
      assert.ok((await unpack(packed)).equals(content), `${content.length} bytes`);
      const { stdout, status } = spawnSync('gzip', ['-dc'], { input: packed, maxBuffer: 100 * mebibyte });
      assert.equal(status, 0);
      assert.ok(stdout.equals(content), `${content.length} bytes`);
      assert.deepEqual(await gzip(content, compressor), packed);
    }
  });
}

it('may be left before its end', async () => {
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, mixed(8 * mebibyte));
  for (const compressor of ['zlib', 'libdeflate'] as const) {
    const pieces = gzipFile(file, compressor);
    await pieces.next();
    await pieces.next();
    await pieces.return(undefined);
  }
});

it('finds what repeats across pieces', async () => {
  const page = randomBytes(16 * 1024);
  const content = Buffer.concat(Array.from({ length: 4 * 64 }, () => page));
  assert.ok((await gzip(content, 'zlib')).length < 100_000);
});

it('says that there is no file', async () => {
  await assert.rejects(gzipFile(path.join(folder, 'none')).next(), { code: 'ENOENT' });
});
