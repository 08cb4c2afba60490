import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileDockerignore, formatDockerignore, type Ignore, parseDockerignore } from './dockerignore.ts';

const compile = (...lines: string[]): Ignore => compileDockerignore(parseDockerignore(lines.join('\n')));

/** A folder as an object, a file as anything else. */
type Tree = { readonly [name: string]: Tree | 1 };

/** What a walk keeps, and how many entries it looks at. */
function walk(ignore: Ignore, tree: Tree): { kept: string[]; looked: number } {
  const kept: string[] = [];
  let looked = 0;
  const visit = (folder: Tree, prefix: string, state: Ignore['root']): void => {
    for (const [name, entry] of Object.entries(folder)) {
      looked += 1;
      const result = ignore.check(prefix + name, state);
      if (!result.ignored) kept.push(prefix + name);
      if (entry !== 1 && !result.prune) visit(entry, `${prefix}${name}/`, result.state);
    }
  };
  visit(tree, '', ignore.root);
  return { kept, looked };
}

describe('parseDockerignore', () => {
  it('cleans patterns and leaves comments out', () => {
    const text = '\ufeff# c\n a/ \r\n\n/b//c/../d\n #e\n! f/\n!/g\n./h\n.\n/\n!\n\ti\n../j\n**/k/\n\\#l\n';
    const patterns = ['a', 'b/d', '#e', '!f', '!g', 'h', '.', '/', '!', 'i', '../j', '**/k', '\\#l'];
    assert.deepEqual(parseDockerignore(text), patterns);
    assert.deepEqual(parseDockerignore(formatDockerignore(patterns)), patterns);
    assert.deepEqual(parseDockerignore(''), []);
  });
});

describe('compileDockerignore', () => {
  it('matches as Docker does', () => {
    const rows: [string[], string, boolean][] = [
      [['**'], 'a', true],
      [['**/'], 'a/b', true],
      [['**/**'], 'a/b', true],
      [['dir/**'], 'dir/a/b', true],
      [['**/dir2/*'], 'dir/dir2/a', true],
      [['**/dir2/*'], 'dir/dir2/a/b', true],
      [['**/file'], 'dir/dir/file.txt', false],
      [['**file'], 'dir/xfile', true],
      [['**/file*'], 'dir/file.txt', true],
      [['**/**/*.txt'], 'dir/dir/a.txt', true],
      [['a**/*.txt'], 'a/file/dir/file.txt', true],
      [['a**/*.txt'], 'ab/file.txt', true],
      [['abc.def'], 'abcdef', false],
      [['abc?def'], 'abc/def', false],
      [['a\\\\'], 'a\\', true],
      [['a\\b'], 'ab', true],
      [['**/foo/bar'], 'foo/bar', true],
      [['abc/**'], 'abc', false],
      [['abc/**'], 'abc/def/ghi', true],
      [['**/.foo'], 'bar.foo', false],
      [['a(b)c/def'], 'a(b)c/def', true],
      [['.*'], '.foo', true],
      [['.*'], 'foo', false],
      [['*.md', '!README.md'], 'README.md', false],
      [['*.md', '!README*.md', 'README-secret.md'], 'README-secret.md', true],
      [['docs', '!docs/README.md'], 'docs/README.md', false],
      [['docs', '!docs/README.md'], 'docs/other.md', true],
      [['!docs/README.md', 'docs'], 'docs/README.md', true],
      [['*', '!src'], 'src/a/b.c', false],
      [['*', '!src', 'src/*.o'], 'src/a.o', true],
      [['/a'], 'a', true],
      [['a/'], 'a/b', true],
      [['a'], 'b/a', false],
      [['[a-c]x[^0-9]'], 'bx_', true],
      [['*/temp*'], 'x/temporary', true],
      [['*/*/temp*'], 'x/temporary', false],
      [['é*'], 'été', true],
    ];
    for (const [lines, file, ignored] of rows) {
      const ignore = compile(...lines);
      assert.equal(ignore.ignores(file), ignored, `${lines} on ${file}`);
      const parts = file.split('/');
      let result = { ignored: false, state: ignore.root };
      for (const [index] of parts.entries()) result = ignore.check(parts.slice(0, index + 1).join('/'), result.state);
      assert.equal(result.ignored, ignored, `${lines} on a walk to ${file}`);
    }
  });

  it('refuses patterns that cannot be read', () => {
    assert.throws(() => compile('!'), { kind: 'invalid', message: 'illegal exclusion pattern: "!"' });
    assert.throws(() => compile('a[b'), { kind: 'invalid', message: /^syntax error in pattern/ });
  });

  it('keeps in a walk what an exception brings back', () => {
    const tree: Tree = { a: { b: { c: 1, d: 1 }, e: 1 }, f: { g: 1 }, h: 1 };
    assert.deepEqual(walk(compile('*', '!a/b/c'), tree), { kept: ['a/b/c'], looked: 7 });
    assert.deepEqual(walk(compile('a', 'f'), tree), { kept: ['h'], looked: 3 });
    assert.deepEqual(walk(compile('!a/b', 'a'), tree), { kept: ['f', 'f/g', 'h'], looked: 4 });
    assert.deepEqual(walk(compile('*', '!**/g'), tree), { kept: ['f/g'], looked: 8 });
    assert.deepEqual(walk(compile(), tree), {
      kept: ['a', 'a/b', 'a/b/c', 'a/b/d', 'a/e', 'f', 'f/g', 'h'],
      looked: 8,
    });
  });

  it('does not look into folders of which nothing is wanted', () => {
    const many = (count: number): Tree =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1]));
    const packages: Tree = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`p${index}`, many(100)]));
    const tree: Tree = {
      node_modules: packages,
      '.git': many(5000),
      src: many(10),
      'README.md': 1,
      vendor: { keep: many(3), x: many(50) },
    };
    const lines = ['node_modules', '.git', '**/*.log', 'vendor', '!vendor/keep', '!README.md'];
    assert.deepEqual({ ...walk(compile(...lines), tree), kept: [] }, { kept: [], looked: 5 + 10 + 2 + 3 });
  });

  it('decides on 50,000 files with many patterns', () => {
    const folders = Array.from({ length: 500 }, (_, index): [string, Tree] => [
      `d${index}`,
      Object.fromEntries(Array.from({ length: 100 }, (_, file) => [`f${file}.${file % 10 === 0 ? 'log' : 'ts'}`, 1])),
    ]);
    const lines = [
      '**/*.log',
      'd1*/f5*.ts',
      '!d10/**',
      ...Array.from({ length: 30 }, (_, index) => `none${index}/**/x*`),
    ];
    const { kept, looked } = walk(compile(...lines), Object.fromEntries(folders));
    assert.equal(looked, 50_500);
    // Of each folder ten logs are left out, of the 111 that begin with d1 ten files more, of d10 nothing.
    assert.equal(kept.length, 500 + 500 * 90 - 111 * 10 + 20);
  });
});
