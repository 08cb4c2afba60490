import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { openUnpacked } from './decompress.ts';

const plain = Buffer.concat([Buffer.alloc(700_000, 'many words '), randomBytes(700_000), Buffer.alloc(5)]);
const packers = { gzip: zlib.gzipSync, zstd: zlib.zstdCompressSync };

async function unpacked(bytes: Buffer): Promise<{ content: Buffer; read: number }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-unpacked-'));
  try {
    fs.writeFileSync(path.join(folder, 'data'), bytes);
    const pieces: Buffer[] = [];
    let read = 0;
    const count = (length: number): void => {
      read += length;
    };
    for await (const piece of openUnpacked(path.join(folder, 'data'), count).pieces) pieces.push(Buffer.from(piece));
    return { content: Buffer.concat(pieces), read };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

for (const [name, pack] of Object.entries(packers)) {
  test(`${name}: gives what was packed, and counts what was read`, async () => {
    const packed = pack(plain);
    const { content, read } = await unpacked(packed);
    assert.ok(content.equals(plain));
    assert.equal(read, packed.length);
  });

  test(`${name}: several members one after the other are one content`, async () => {
    const { content } = await unpacked(Buffer.concat([pack(plain), pack(Buffer.from('and more')), pack(plain)]));
    assert.ok(content.equals(Buffer.concat([plain, Buffer.from('and more'), plain])));
  });

  test(`${name}: refuses data that is cut off, anywhere`, async () => {
    const packed = pack(plain);
    for (const length of [9, 300_000, packed.length - 9, packed.length - 1]) {
      await assert.rejects(unpacked(packed.subarray(0, length)), { code: 'bad-archive' }, `${length}`);
    }
  });

  test(`${name}: refuses damaged data`, async () => {
    const packed = Buffer.from(pack(plain));
    packed.fill(0x55, 20, 400);
    await assert.rejects(unpacked(packed), { code: 'bad-archive' });
  });
}

test('gzip: zeros after the end count for nothing', async () => {
  const { content } = await unpacked(Buffer.concat([zlib.gzipSync(plain), Buffer.alloc(600_000)]));
  assert.ok(content.equals(plain));
});

test('what is not packed is given as it is', async () => {
  assert.ok((await unpacked(plain)).content.equals(plain));
});
