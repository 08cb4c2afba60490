import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { paddingOf, type TarEntry } from './entry.ts';
import { createTarReader } from './reader.ts';
import { formatEntry, type TarEntryInput, tarTrailer } from './writer.ts';

const archiveOf = (...entries: (readonly [TarEntryInput, string?])[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap(([entry, data = '']) => [
      formatEntry(entry),
      Buffer.from(data),
      Buffer.alloc(paddingOf(Buffer.byteLength(data))),
    ]),
    tarTrailer(),
  ]);

function readBack(entry: TarEntryInput): TarEntry {
  let found: TarEntry | undefined;
  const reader = createTarReader({ entry: (read) => (found = read), data: () => {}, end: () => {} });
  reader.feed(formatEntry(entry));
  assert.ok(found);
  return found;
}

const plain: TarEntryInput = { name: 'f', type: 'file', mode: 0o644 };

test('what fits ustar is one block, the rest has a PAX header before it', () => {
  const small: TarEntryInput[] = [
    plain,
    { ...plain, name: 'n'.repeat(100) },
    { ...plain, name: `${'d'.repeat(150)}/${'n'.repeat(100)}` },
    { ...plain, name: 'ü' },
    { ...plain, size: 8 ** 11 - 1, uid: 0o7777777, mtime: 1_700_000_000_000_000_000n },
  ];
  const large: TarEntryInput[] = [
    { ...plain, name: 'n'.repeat(101) },
    { ...plain, name: `${'d'.repeat(160)}/n` },
    { ...plain, size: 8 ** 11 },
    { ...plain, uid: 0o10000000 },
    { ...plain, mtime: 1n },
    { ...plain, mtime: -1_500_000_000n },
    { ...plain, linkName: 'l'.repeat(101), type: 'symlink' },
    { ...plain, userName: 'u'.repeat(32) },
    { ...plain, xattrs: new Map([['user.a', Buffer.from([0, 255, 10])]]) },
  ];
  for (const entry of small) assert.equal(formatEntry(entry).length, 512, JSON.stringify(entry.name));
  for (const entry of large) assert.ok(formatEntry(entry).length >= 1536);
  for (const entry of [...small, ...large]) {
    const read = readBack(entry);
    assert.equal(read.path, entry.name);
    assert.equal(read.size, entry.size ?? 0);
    assert.equal(read.uid, entry.uid ?? 0);
    assert.equal(read.mtime, entry.mtime ?? 0n);
    assert.equal(read.linkPath, entry.linkName ?? '');
    assert.equal(read.userName, entry.userName ?? '');
    assert.deepEqual([...read.xattrs], [...(entry.xattrs ?? [])]);
  }
});

test('the same input gives the same bytes, in whatever order xattrs were listed', () => {
  const a: [string, Buffer] = ['user.a', Buffer.from('1')];
  const b: [string, Buffer] = ['user.b', Buffer.from('2')];
  const one = formatEntry({ ...plain, xattrs: new Map([a, b]) });
  assert.deepEqual(one, formatEntry({ ...plain, xattrs: new Map([b, a]) }));
});

test('what no archive can hold is refused', () => {
  for (const wrong of [
    { name: '' },
    { name: 'a\0b' },
    { name: 'n'.repeat(70_000) },
    { uid: -1 },
    { deviceMajor: 2 ** 40 },
  ]) {
    assert.throws(() => formatEntry({ ...plain, ...wrong }), { kind: 'invalid' });
  }
});

test('GNU tar unpacks what is written', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-tar-'));
  try {
    const long = `${'d'.repeat(120)}/${'n'.repeat(180)}`;
    const bytes = Buffer.concat([Buffer.from('bad-'.padEnd(120, 'x')), Buffer.from([0xff, 0xfe])]);
    const archive = archiveOf(
      [{ name: 'dir', type: 'directory', mode: 0o750 }],
      [{ ...plain, name: 'dir/file', size: 7, mode: 0o4755, mtime: 1_600_000_000_500_000_000n }, 'content'],
      [{ ...plain, name: 'hard', type: 'hard-link', linkName: 'dir/file' }],
      [{ ...plain, name: 'soft', type: 'symlink', linkName: 't'.repeat(300) }],
      [{ ...plain, name: long, size: 4, uid: 3_000_000, gid: 3_000_001 }, 'long'],
      [{ ...plain, name: bytes, size: 5 }, 'bytes'],
      [{ ...plain, name: Buffer.from([0xfe]), size: 1 }, 'b'],
      [{ ...plain, name: 'fifo', type: 'fifo' }],
      [{ ...plain, name: 'null', type: 'character-device', deviceMajor: 1, deviceMinor: 3 }],
      [{ ...plain, name: 'attributes', xattrs: new Map([['user.k', Buffer.from('a=\n\0b')]]) }],
      [{ ...plain, name: 'sparse', size: 10_000_000, sparse: [{ offset: 5_000_000, length: 6 }] }, 'middle'],
    );
    execFileSync('tar', ['-C', folder, '-xp', '--xattrs', '--xattrs-include=*'], { input: archive });
    const at = (name: string) => path.join(folder, name);
    assert.equal(fs.statSync(at('dir')).mode & 0o7777, 0o750);
    const file = fs.statSync(at('dir/file'), { bigint: true });
    assert.deepEqual([file.mode & 0o7777n, file.nlink, file.mtimeNs], [0o4755n, 2n, 1_600_000_000_500_000_000n]);
    assert.equal(fs.readFileSync(at('hard'), 'utf8'), 'content');
    assert.equal(fs.readlinkSync(at('soft')), 't'.repeat(300));
    assert.equal(fs.readFileSync(at(long), 'utf8'), 'long');
    assert.deepEqual([fs.statSync(at(long)).uid, fs.statSync(at(long)).gid], [3_000_000, 3_000_001]);
    assert.equal(fs.readFileSync(Buffer.concat([Buffer.from(`${folder}/`), bytes]), 'utf8'), 'bytes');
    assert.equal(fs.readFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xfe])]), 'utf8'), 'b');
    assert.equal(fs.statSync(at('fifo')).isFIFO(), true);
    assert.equal(fs.statSync(at('null')).rdev, 0x103);
    const shown = execFileSync('python3', [
      '-c',
      'import os,sys; print(os.getxattr(sys.argv[1], "user.k"))',
      at('attributes'),
    ]);
    assert.equal(shown.toString().trim(), String.raw`b'a=\n\x00b'`);
    const sparse = fs.readFileSync(at('sparse'));
    assert.equal(sparse.length, 10_000_000);
    assert.equal(sparse.subarray(5_000_000, 5_000_006).toString(), 'middle');
    assert.ok(fs.statSync(at('sparse')).blocks < 1000);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
