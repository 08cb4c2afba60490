import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { compileDockerignore } from '../../formats/dockerignore.ts';
import { contextFiles } from './context.ts';

test('a folder that is left out comes before what is in it and is not, and only then', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'context-'));
  try {
    for (const file of ['a/b/c/kept', 'a/b/left', 'a/other/left', 'd/left', 'e/kept', 'Dockerfile']) {
      mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
      writeFileSync(path.join(folder, file), '');
    }
    const names = (patterns: readonly string[]): string[] =>
      [...contextFiles(folder, compileDockerignore(patterns), ['Dockerfile'])].map(({ name }) => name);
    assert.deepEqual(names(['*', '!a/b/c', '!e/kept', '!d/none']), [
      'Dockerfile',
      ...['a', 'a/b', 'a/b/c', 'a/b/c/kept', 'e', 'e/kept'],
    ]);
    assert.deepEqual(names(['*']), ['Dockerfile']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
