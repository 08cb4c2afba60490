import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePathPattern } from './path-pattern.ts';

const matches = (text: string, path: string): boolean => compilePathPattern(text).matches(path);

describe('compilePathPattern', () => {
  it("matches as Go's filepath.Match", () => {
    const rows: [string, string, boolean][] = [
      ['abc', 'abc', true],
      ['abc', 'abcd', false],
      ['*', 'abc', true],
      ['*', 'a/c', false],
      ['*c', 'abc', true],
      ['a*/b', 'abc/b', true],
      ['a*/b', 'a/c/b', false],
      ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
      ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff', false],
      ['a*b?c*x', 'abxbbxdbxebxczzx', true],
      ['a*b?c*x', 'abxbbxdbxebxczzy', false],
      ['ab[c]', 'abc', true],
      ['ab[b-d]', 'abc', true],
      ['ab[e-g]', 'abc', false],
      ['ab[^c]', 'abc', false],
      ['ab[^e-g]', 'abc', true],
      ['a\\*b', 'a*b', true],
      ['a\\*b', 'ab', false],
      ['a?b', 'a☺b', true],
      ['a[^a]b', 'a☺b', true],
      ['a???b', 'a☺b', false],
      ['[a-ζ]*', 'α', true],
      ['*[a-ζ]', 'A', false],
      ['a?b', 'a/b', false],
      ['[\\]a]', ']', true],
      ['[\\-]', '-', true],
      ['[x\\-]', '-', true],
      ['[\\-x]', 'a', false],
      ['*x', 'xxx', true],
      ['[z-a]', 'b', false],
      ['*-^]{/}&&!,#:<=~@`%x\\-', 'a-^]{/}&&!,#:<=~@`%x-', true],
      ['?[&&[!-/]x', 'a/x', true],
      ['a.c', 'abc', false],
      ['(a|b)+$', '(a|b)+$', true],
      ['**', 'a', true],
      ['**', 'a/b', false],
    ];
    for (const [text, path, result] of rows) assert.equal(matches(text, path), result, `${text} on ${path}`);
  });

  it('refuses what cannot be read', () => {
    for (const text of ['[]a]', '[-]', '[x-]', '[-x]', '[a-b-c]', '[', '[^', '[^bc', 'a[', '\\', '[a\\']) {
      assert.throws(
        () => compilePathPattern(text),
        { message: `syntax error in pattern: ${JSON.stringify(text)}` },
        text,
      );
    }
  });

  it('matches over folders where asked', () => {
    const rows: [string, string, boolean][] = [
      ['**', 'a/b', true],
      ['**/', 'a/b', true],
      ['a/**', 'a/b/c', true],
      ['a/**', 'a', false],
      ['**/b', 'b', true],
      ['**/b', 'a/b', true],
      ['**/b', 'a/x/b', true],
      ['**/b', 'ab', false],
      ['a/**/b', 'a/b', true],
      ['a/**/b', 'a/x/y/b', true],
      ['a/**/b', 'axb', false],
      ['a/**/b', 'a/xb', false],
      ['**/*.go', 'x.go', true],
      ['**/*.go', 'a/b/x.go', true],
      ['**/*.go', 'a/b/x.gob', false],
      ['a**b', 'ab', true],
      ['a**b', 'ax/b', true],
      ['a**b', 'axb', false],
      ['**/*a*/*b*/**/c', 'x/y/1a1/2b2/z/c', true],
      ['**/*a*/*b*/**/c', 'x/y/1a1/2b2/z/cc', false],
    ];
    for (const [text, path, result] of rows) {
      assert.equal(compilePathPattern(text, { folders: true }).matches(path), result, `${text} on ${path}`);
    }
  });

  it('knows whether something below a folder could match', () => {
    const rows: [string, string, boolean][] = [
      ['a/b', 'a', true],
      ['a/b', 'a/b', false],
      ['a/b/c', 'a/b', true],
      ['a/b/c', 'b', false],
      ['a/*/c', 'a/x', true],
      ['a/*/c', 'b/x', false],
      ['a/*/c', 'a/x/c', false],
      ['*', 'a', false],
      ['**/x', 'a/b', true],
      ['a/**', 'a/b', true],
      ['a/**', 'b', false],
      ['a*/[bc]/**/d', 'ax/c', true],
      ['a*/[bc]/**/d', 'ax/d', false],
    ];
    for (const [text, folder, result] of rows) {
      const pattern = compilePathPattern(text, { folders: true });
      assert.equal(pattern.mayMatchBelow(folder), result, `${text} below ${folder}`);
    }
  });

  it('is done with hostile patterns and paths', () => {
    const path = `${'a'.repeat(4000)}b`;
    assert.equal(matches('*a'.repeat(40), path), false);
    assert.equal(compilePathPattern('**/*a'.repeat(20), { folders: true }).matches(`${'a/'.repeat(1000)}b`), false);
    assert.equal(matches('*a*c', path), false);
  });
});
