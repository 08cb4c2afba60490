import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTextTree } from '../sources/text-tree.ts';
import { matchPaths } from './glob.ts';

const tree = createTextTree(new Map(['a.txt', 'b.txt', 'c.md', '[x]'].map((name) => [name, Buffer.from(name)])), {
  mode: 0o644,
});

describe('the sources of a copy', () => {
  it('match whole names, in order', () => {
    assert.deepEqual(matchPaths(tree, '*.txt'), ['a.txt', 'b.txt']);
    assert.deepEqual(matchPaths(tree, '/[ab].t?t'), ['a.txt', 'b.txt']);
    assert.deepEqual(matchPaths(tree, '\\[x\\]*'), ['[x]']);
  });

  it('without a pattern are there or not', () => {
    assert.deepEqual(matchPaths(tree, './c.md'), ['c.md']);
    assert.deepEqual(matchPaths(tree, 'nothing'), []);
    assert.deepEqual(matchPaths(tree, '.'), ['']);
  });
});
