import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compileDockerignore, parseDockerignore } from '../../formats/dockerignore.ts';
import { type TestEntry, tarOf } from '../../images/testing/tar.ts';
import { withoutIgnored } from './filtered-tree.ts';
import { readTarTree, type TarTree } from './tar-tree.ts';
import { resolvePath, walk } from './tree.ts';

describe('the files of an archive', () => {
  let folder = '';
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-tar-tree-'));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const read = (...entries: TestEntry[]): Promise<TarTree> => {
    async function* archive(): AsyncGenerator<Buffer> {
      const bytes = tarOf(...entries);
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
    }
    const file = path.join(folder, `pack-${fs.readdirSync(folder).length}-${entries.length}`);
    return readTarTree(archive(), { file, rootOwned: true }, new AbortController().signal);
  };
  const text = async (tree: TarTree, name: string): Promise<string> => {
    let all = '';
    for await (const piece of tree.read(name)) all += piece;
    return all;
  };

  it('are found, listed and read; the last of a name counts, and names of one file stay one', async () => {
    await using tree = await read(
      { name: 'b/c', content: 'first' },
      { name: './b/c', content: 'second', mode: 0o600, uid: 7 },
      { name: 'link', type: 'hard-link', linkName: 'b/c' },
      { name: 'a', content: 'x'.repeat(100_000) },
    );
    assert.deepEqual(
      [...walk(tree, '')].map((one) => one.path),
      ['', 'a', 'b', 'b/c', 'link'],
    );
    assert.equal(await text(tree, 'b/c'), 'second');
    assert.equal((await text(tree, 'a')).length, 100_000);
    assert.equal(tree.look('b/c')?.uid, 0);
    assert.equal(tree.look('b/c')?.link, tree.look('link')?.link);
    assert.equal(await tree.digest('b/c'), await tree.digest('link'));
  });

  it('stay inside, whatever names and links say', async () => {
    await assert.rejects(read({ name: '../out', content: '' }), /outside/);
    await assert.rejects(read({ name: 'x', type: 'hard-link', linkName: '../../etc/passwd' }), /outside|no file/);
    await using tree = await read(
      { name: 'up', type: 'symlink', linkName: '../../../etc' },
      { name: 'loop', type: 'symlink', linkName: 'loop' },
      { name: 'etc/passwd', content: 'own' },
    );
    assert.equal(resolvePath(tree, 'up/passwd'), 'etc/passwd');
    assert.throws(() => resolvePath(tree, 'loop/x'), /too many links/);
    assert.deepEqual(fs.readdirSync(folder).length, 1);
  });

  it('are without what a list leaves out, but with its exceptions', async () => {
    await using tree = await read(
      { name: 'a/keep', content: '' },
      { name: 'a/drop', content: '' },
      { name: 'b/x', content: '' },
      { name: 'c', content: '' },
    );
    const shown = withoutIgnored(tree, compileDockerignore(parseDockerignore('a\n!a/keep\nb\n')));
    assert.deepEqual(
      [...walk(shown, '')].map((one) => one.path),
      ['', 'a', 'a/keep', 'c'],
    );
    assert.equal(shown.look('b/x'), undefined);
  });

  it('have large contents in files of their own and small ones together, each whole', async () => {
    const large = 'large '.repeat(900_000);
    await using tree = await read(
      { name: 'one', content: 'one' },
      { name: 'large', content: large },
      { name: 'two', content: 'two' },
      { name: 'larger', content: `${large}!` },
    );
    const owns = tree.list('').filter((name) => tree.own?.(name));
    assert.deepEqual(owns, ['large', 'larger']);
    assert.deepEqual([await text(tree, 'one'), await text(tree, 'two')], ['one', 'two']);
    assert.ok((await text(tree, 'large')) === large && (await text(tree, 'larger')) === `${large}!`);
  });

  it('leave nothing open or lying about when the archive is cut off within a large one', async () => {
    const bytes = tarOf({ name: 'large', content: 'x'.repeat(6_000_000) });
    async function* cut(): AsyncGenerator<Buffer> {
      for (let at = 0; at < 5_000_000; at += 65_536) yield bytes.subarray(at, at + 65_536);
    }
    const descriptors = fs.readdirSync('/proc/self/fd').length;
    const file = path.join(folder, 'cut');
    await assert.rejects(readTarTree(cut(), { file, rootOwned: true }, new AbortController().signal), {
      kind: 'invalid',
    });
    assert.deepEqual([fs.existsSync(file), fs.readdirSync('/proc/self/fd').length], [false, descriptors]);
  });
});
