import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeBehind } from './write-behind.ts';

describe('a file that is written in blocks', () => {
  let folder = '';
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-write-behind-'));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('has all pieces in their order, small ones among large ones', async () => {
    const file = path.join(folder, 'file');
    const fd = fs.openSync(file, 'wx');
    const writer = writeBehind(fd);
    const expected: Buffer[] = [];
    for (let count = 0; count < 3000; count += 1) {
      const size = count % 7 === 0 ? 70_000 : count % 5 === 0 ? 32 * 1024 - 1 : count % 1000;
      const piece = Buffer.alloc(size, `piece ${count} `);
      writer.push(piece);
      expected.push(piece);
      await writer.room();
    }
    await writer.flush();
    fs.closeSync(fd);
    assert.ok(fs.readFileSync(file).equals(Buffer.concat(expected)));
  });

  it('takes a copy of a piece, so that its buffer may be used again', async () => {
    const file = path.join(folder, 'again');
    const fd = fs.openSync(file, 'wx');
    const writer = writeBehind(fd);
    const piece = Buffer.from('first');
    writer.push(piece);
    piece.write('other');
    writer.push(piece);
    await writer.flush();
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(file, 'utf8'), 'firstother');
  });

  it('says once and for all that the disk is full, and writes nothing after that', async () => {
    const fd = fs.openSync('/dev/full', 'w');
    try {
      const writer = writeBehind(fd);
      for (let count = 0; count < 40; count += 1) writer.push(Buffer.alloc(100_000));
      await assert.rejects(writer.room(), { code: 'ENOSPC' });
      await assert.rejects(writer.flush(), { code: 'ENOSPC' });
    } finally {
      fs.closeSync(fd);
    }
  });
});
