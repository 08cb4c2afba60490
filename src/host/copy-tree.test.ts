import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { copyTree, copyTreePart, finishParts } from './copy-tree.ts';
import { getXattr, setXattr } from './xattr.ts';

type Copy = (source: number, target: number) => void;

function copied(
  work: (source: string) => void,
  check: (target: string, source: string) => void,
  copy: Copy = copyTree,
): void {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'copy-tree-'));
  const [source, target] = ['source', 'target'].map((name) => path.join(root, name)) as [string, string];
  fs.mkdirSync(source);
  fs.mkdirSync(target);
  const open: number[] = [];
  try {
    work(source);
    for (const folder of [source, target]) open.push(fs.openSync(folder, fs.constants.O_DIRECTORY));
    copy(open[0]!, open[1]!);
    check(target, source);
  } finally {
    for (const fd of open) fs.closeSync(fd);
    fs.rmSync(root, { recursive: true });
  }
}

const inParts: Copy = (source, target) => {
  const left = [0, 1, 2].flatMap((own) => copyTreePart(source, target, { own, of: 3 }));
  finishParts(source, target, left);
};

for (const [how, copy] of [
  ['at once', copyTree],
  ['in parts', inParts],
] as const) {
  test(`a tree copied ${how} has owners, modes, times, attributes, links, devices and holes of its source`, () => {
    copied(
      (source) => {
        execFileSync('sh', ['-ec', tree], { cwd: source });
        setXattr(path.join(source, 'a/file'), 'user.one', Buffer.from([0, 255]));
        fs.writeFileSync(Buffer.concat([Buffer.from(`${source}/`), Buffer.from([0xff, 0x41])]), 'no UTF-8');
        fs.chmodSync(source, 0o1770);
        fs.chownSync(source, 5, 6);
      },
      (target, source) => {
        const list = (folder: string) => execFileSync('sh', ['-c', listing], { cwd: folder, encoding: 'latin1' });
        assert.equal(list(target), list(source));
        assert.match(list(target), /^\. 1770 5:6/m);
        assert.deepEqual(getXattr(path.join(target, 'a/file'), 'user.one'), Buffer.from([0, 255]));
        assert.equal(fs.statSync(path.join(target, 'a/b/again')).ino, fs.statSync(path.join(target, 'a/file')).ino);
        const sparse = fs.statSync(path.join(target, 'sparse'));
        assert.deepEqual([sparse.size, sparse.blocks < 1000], [10_000_000, true]);
        assert.equal(fs.readFileSync(path.join(target, 'a/file'), 'utf8'), 'content\n');
      },
      copy,
    );
  });
}

test('links are copied, not followed', () => {
  copied(
    (source) => {
      fs.symlinkSync('/etc', path.join(source, 'out'));
      fs.symlinkSync('nowhere', path.join(source, 'dangling'));
    },
    (target) => {
      assert.equal(fs.readlinkSync(path.join(target, 'out')), '/etc');
      assert.equal(fs.readlinkSync(path.join(target, 'dangling')), 'nowhere');
    },
  );
});

const tree = `mkdir -p a/b; echo content > a/file; chmod 4751 a/file; chown 7:8 a/file; ln a/file a/b/again; chmod 2750 a/b
mkfifo pipe; mknod null c 1 3; chmod 600 null; ln -s /etc link; chown -h 9:9 link; touch -d @1000.123456789 a/b a
truncate -s 5000000 sparse; echo x >> sparse; truncate -s 10000000 sparse; chmod 4751 a/file; touch -h -d @5.5 link`;
const listing = `find . -printf '%p %#m %U:%G %s %T@ %l\\n' | sed 's/ 0*\\([1-7]\\)/ \\1/' | sort; stat -c '%n %f %t:%T' *`;
