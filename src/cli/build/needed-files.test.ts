import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { formatNeeds, parseNeed } from '../../formats/context-listing.ts';
import { compileDockerignore } from '../../formats/dockerignore.ts';
import { neededFiles } from './needed-files.ts';

describe('what a build needs of a folder', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'needed-'));
    for (const file of ['a/b/c/deep', 'a/b/left', 'a/other/left', 'd/left', 'e/kept', 'top']) {
      mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
      writeFileSync(path.join(folder, file), '');
    }
    symlinkSync('/etc', path.join(folder, 'out'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Names of what is needed with all that is below it begin with `=`. */
  const names = (patterns: readonly string[], deep: readonly string[], shallow: readonly string[] = []): string[] => {
    const needs = [
      ...deep.map((one) => ({ path: one, deep: true })),
      ...shallow.map((one) => ({ path: one, deep: false })),
    ];
    const found = neededFiles(folder, compileDockerignore(patterns), needs);
    return [...found].map(({ name, whole }) => (whole ? `=${name}` : name));
  };

  it('is what lies at and below the paths, and the folders on the way', () => {
    assert.deepEqual(names([], ['a/b/c', 'top']), ['a', 'a/b', '=a/b/c', '=a/b/c/deep', '=top']);
    assert.deepEqual(names([], ['e']), ['=e', '=e/kept']);
    const all = [
      'a',
      'a/b',
      'a/b/c',
      'a/b/c/deep',
      'a/b/left',
      'a/other',
      'a/other/left',
      'd',
      'd/left',
      'e',
      'e/kept',
    ];
    assert.deepEqual(
      names([], ['', 'a/b']),
      [...all, 'out', 'top'].map((name) => `=${name}`),
    );
  });

  it('is of some folders the names alone', () => {
    assert.deepEqual(names([], [], ['']), ['a', 'd', 'e', 'out', 'top']);
    assert.deepEqual(names([], ['a/b/left'], ['a']), ['a', 'a/b', '=a/b/left', 'a/other']);
  });

  it('ends where nothing is, and at a link', () => {
    assert.deepEqual(names([], ['none/x', 'top/x', 'out/passwd', 'd/left']), ['d', '=d/left', 'out', 'top']);
  });

  it('leaves out what is to be left out, but not the folders of exceptions', () => {
    const patterns = ['*', '!a/b/c', '!top'];
    assert.deepEqual(names(patterns, ['']), ['=a', '=a/b', '=a/b/c', '=a/b/c/deep', '=top']);
    assert.deepEqual(names(patterns, [], ['']), ['a', 'top']);
    assert.deepEqual(names(patterns, ['a/b/c/deep', 'a/b/left', 'e']), ['a', 'a/b', 'a/b/c', '=a/b/c/deep']);
    assert.deepEqual(names(patterns, ['a/other', 'd'], ['a']), ['a', 'a/b']);
  });

  it('is never asked for outside of it', () => {
    const lines = (needed: string): string[] =>
      formatNeeds([{ path: needed, deep: true }])
        .toString()
        .split('\n');
    assert.deepEqual(parseNeed(Buffer.from(lines('a\nb\xe4')[0] ?? '')), { path: 'a\nb\xe4', deep: true });
    assert.deepEqual(lines('x').slice(1), ['', '']);
    for (const bad of ['..', 'a/../../b', '/etc', 'a//b', 'a/', './a', 'a\0b'])
      assert.throws(() => parseNeed(Buffer.from(lines(bad)[0] ?? '')), { code: 'bad-needs' });
    for (const bad of ['', '5', '{}', '["a"]', '["a",2]', '[1,1]', '"a"'])
      assert.throws(() => parseNeed(Buffer.from(bad)), /malformed/);
  });
});
