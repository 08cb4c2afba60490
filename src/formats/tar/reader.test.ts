import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import type { TarEntry } from './entry.ts';
import { createTarReader } from './reader.ts';
import { createSparsePlacer } from './sparse.ts';
import { formatEntry, tarTrailer } from './writer.ts';

interface Read {
  readonly entry: TarEntry;
  /** With the holes filled in. */
  readonly content: Buffer;
}

function read(archive: Buffer, chunkSize = archive.length || 1): Read[] {
  const result: Read[] = [];
  let place: (data: Buffer) => void = () => {};
  let open = false;
  const reader = createTarReader({
    entry(entry) {
      assert.equal(open, false);
      open = true;
      const content = Buffer.alloc(entry.size);
      place = createSparsePlacer(entry.sparse ?? [{ offset: 0, length: entry.size }], (offset, data) =>
        data.copy(content, offset),
      );
      result.push({ entry, content });
    },
    data: (chunk) => place(chunk),
    end() {
      open = false;
    },
  });
  for (let at = 0; at < archive.length; at += chunkSize) reader.feed(archive.subarray(at, at + chunkSize));
  reader.finish();
  assert.equal(open, false);
  return result;
}

const byName = (entries: Read[]) => new Map(entries.map((item) => [item.entry.name.toString('latin1'), item]));

/** A folder with one of everything, and a folder's removal. */
function makeTree(): { folder: string } & Disposable {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-tar-'));
  const at = (name: string) => path.join(folder, name);
  fs.writeFileSync(at('file'), 'content', { mode: 0o640 });
  fs.chmodSync(at('file'), 0o4755);
  fs.utimesSync(at('file'), 1_600_000_000, 1_600_000_000.5);
  fs.linkSync(at('file'), at('hard'));
  fs.symlinkSync('file', at('soft'));
  fs.symlinkSync('t'.repeat(300), at('long-target'));
  fs.mkdirSync(at('dir'));
  fs.writeFileSync(at(`dir/${'n'.repeat(200)}`), 'long');
  fs.writeFileSync(Buffer.concat([Buffer.from(at('bad-')), Buffer.from([0xff, 0xfe])]), 'bytes');
  fs.writeFileSync(at('ümlaut'), 'text');
  execFileSync('mkfifo', [at('fifo')]);
  const file = fs.openSync(at('sparse'), 'w');
  for (let part = 0; part < 40; part += 1) fs.writeSync(file, `part ${part}`, part * 1_000_000);
  fs.ftruncateSync(file, 50_000_000);
  fs.closeSync(file);
  return { folder, [Symbol.dispose]: () => fs.rmSync(folder, { recursive: true, force: true }) };
}

const gnuTar = (folder: string, ...options: string[]): Buffer =>
  execFileSync('tar', ['-C', folder, '--sort=name', '-c', ...options, '.'], { maxBuffer: 1 << 28 });

for (const options of [
  ['--format=gnu', '-S'],
  ['--format=pax', '-S', '--sparse-version=1.0'],
  ['--format=pax', '-S', '--sparse-version=0.1'],
  ['--format=pax', '-S', '--sparse-version=0.0'],
  ['--format=gnu'],
]) {
  test(`reads what GNU tar ${options.join(' ')} writes`, () => {
    using tree = makeTree();
    const archive = gnuTar(tree.folder, ...options);
    const entries = byName(read(archive, 10_000));
    const get = (name: string): Read => {
      const found = entries.get(`./${name}`);
      assert.ok(found, `${name} is missing`);
      return found;
    };
    assert.equal(get('file').entry.mode, 0o4755);
    assert.equal(get('file').content.toString(), 'content');
    assert.equal(
      get('file').entry.mtime,
      options[0] === '--format=pax' ? 1_600_000_000_500_000_000n : 1_600_000_000_000_000_000n,
    );
    assert.deepEqual([get('hard').entry.type, get('hard').entry.linkPath], ['hard-link', './file']);
    assert.deepEqual([get('soft').entry.type, get('soft').entry.linkPath], ['symlink', 'file']);
    assert.equal(get('long-target').entry.linkPath, 't'.repeat(300));
    assert.equal(get(`dir/${'n'.repeat(200)}`).content.toString(), 'long');
    assert.equal(get('bad-\xff\xfe').entry.path, undefined);
    assert.equal(get('bad-\xff\xfe').content.toString(), 'bytes');
    assert.equal(get(Buffer.from('ümlaut').toString('latin1')).entry.path, './ümlaut');
    assert.equal(get('fifo').entry.type, 'fifo');
    assert.equal(get('dir/').entry.type, 'directory');
    const sparse = get('sparse');
    assert.equal(sparse.entry.size, 50_000_000);
    assert.equal(sparse.entry.sparse !== undefined, options.includes('-S'));
    assert.deepEqual(sparse.content, fs.readFileSync(path.join(tree.folder, 'sparse')));
  });
}

test('reads xattrs and device nodes', () => {
  using tree = makeTree();
  execFileSync('mknod', [path.join(tree.folder, 'null'), 'c', '1', '3']);
  execFileSync('python3', [
    '-c',
    `import os; os.setxattr(${JSON.stringify(`${tree.folder}/file`)}, 'user.k', b'a=\\n\\0b')`,
  ]);
  const entries = byName(read(gnuTar(tree.folder, '--format=pax', '--xattrs', '--xattrs-include=*')));
  assert.deepEqual(entries.get('./file')?.entry.xattrs.get('user.k'), Buffer.from('a=\n\0b'));
  const device = entries.get('./null')?.entry;
  assert.deepEqual([device?.type, device?.deviceMajor, device?.deviceMinor], ['character-device', 1, 3]);
});

test('an archive is read wherever it is cut', () => {
  const archive = Buffer.concat([
    formatEntry({ name: 'a/'.repeat(120), type: 'directory', mode: 0o755 }),
    formatEntry({ name: 'f', type: 'file', mode: 0o644, size: 600 }),
    Buffer.alloc(600, 'x'),
    Buffer.alloc(424),
    formatEntry({ name: 's', type: 'file', mode: 0o644, size: 5000, sparse: [{ offset: 1000, length: 3 }] }),
    Buffer.from('abc'.padEnd(512, '\0')),
    tarTrailer(),
  ]);
  const whole = read(archive);
  for (const size of [1, 7, 511, 512, 513, 1500]) assert.deepEqual(read(archive, size), whole);
  assert.equal(whole[2]?.content.subarray(1000, 1003).toString(), 'abc');
});

const file = formatEntry({ name: 'f', type: 'file', mode: 0o644, size: 3 });
const withChecksum = (block: Buffer): Buffer => {
  block.fill(' ', 148, 156);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
};
const edited = (edit: (block: Buffer) => void): Buffer => {
  const block = Buffer.from(file);
  edit(block);
  return withChecksum(block);
};
const pax = (body: string, size = body.length): Buffer => {
  const block = edited((header) => {
    header.write('x', 156);
    header.write(size.toString(8).padStart(11, '0'), 124);
  });
  return Buffer.concat([block, Buffer.from(body), Buffer.alloc((512 - (body.length % 512)) % 512), file]);
};

test('malformed archives are refused with the byte where', () => {
  const cases: [what: string, archive: Buffer, offset: number, message: RegExp][] = [
    ['cut in a header', file.subarray(0, 100), 100, /cut off/],
    ['cut in data', Buffer.concat([file, Buffer.from('x')]), 513, /cut off/],
    ['checksum', Buffer.from(file).fill('z', 0, 1), 0, /checksum/],
    ['no tar at all', Buffer.alloc(1024, 'text '), 0, /checksum/],
    ['size', edited((block) => block.write('9', 124)), 0, /malformed size/],
    ['negative size', edited((block) => block.fill(0xff, 124, 136)), 0, /negative size/],
    ['huge size', edited((block) => block.fill(0x7f, 125, 136).fill(0x80, 124, 125)), 0, /malformed size/],
    ['type', edited((block) => block.write('Q', 156)), 0, /unknown type of entry "Q"/],
    ['pax length', pax('5 a=bcdef\n'), 512, /malformed record/],
    ['pax without key', pax('6 =bc\n'), 512, /without a key/],
    ['pax too short', pax('99999 a=b\n'), 512, /malformed record/],
    ['pax size', pax('10 size=x\n'), 1024, /malformed size/],
    ['pax NUL in a name', pax('12 path=a\0b\n'), 1024, /NUL/],
    ['pax too large', pax('', 1024 * 1024 + 1), 0, /more than 1048576 bytes/],
    ['long name too long', edited((block) => block.write('L', 156) && block.write('00000300000', 124)), 0, /more than/],
    ['extension without its entry', pax('8 a=bcd\n').subarray(0, 1024), 1024, /cut off/],
    ['data behind zeros', Buffer.concat([Buffer.alloc(512), file]), 512, /zeros/],
    [
      'sparse outside',
      Buffer.concat([
        pax('22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n25 GNU.sparse.realsize=2\n'),
        Buffer.alloc(512, '0\n'),
      ]),
      1536,
      /sparse map that is longer/,
    ],
    ['sparse back', pax('21 GNU.sparse.size=9\n26 GNU.sparse.map=5,2,4,1\n'), 1024, /sparse map/],
    ['sparse sum', pax('21 GNU.sparse.size=9\n22 GNU.sparse.map=5,2\n'), 1024, /sparse map/],
  ];
  for (const [what, archive, offset, message] of cases) {
    assert.throws(
      () => read(archive),
      (error: { code?: string; message?: string; details?: { offset?: number } }) => {
        assert.equal(error.code, 'bad-archive', what);
        assert.match(error.message ?? '', message, what);
        assert.equal(error.details?.offset, offset, what);
        return true;
      },
      what,
    );
  }
});

test('a missing trailer, trailing rubbish, an empty archive and global headers are taken', () => {
  const padded = Buffer.concat([file, Buffer.from('abc'.padEnd(512, '\0'))]);
  assert.equal(read(padded).length, 1);
  assert.equal(read(padded.subarray(0, 515)).length, 1);
  assert.equal(read(Buffer.concat([padded, tarTrailer(), Buffer.from('rubbish')])).length, 1);
  assert.equal(read(Buffer.alloc(0)).length, 0);
  const global = pax('13 uid=12345\n').subarray(0, 1024);
  global.write('g', 156);
  const entries = read(Buffer.concat([withChecksum(global), padded, padded]));
  assert.deepEqual(
    entries.map(({ entry }) => entry.uid),
    [12345, 12345],
  );
});
