import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { run } from '../../src/base/process.ts';
import { missingProgram } from '../helpers/registry-clients.ts';

const root = path.resolve(import.meta.dirname, '../..');

// A real systemd starts it in test/vm/systemd-registry.ts.
test("systemd finds no fault in the registry's unit", {
  skip: missingProgram('systemd-analyze') ?? false,
}, async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'unit-'));
  try {
    const unit = readFileSync(path.join(root, 'contrib/tug-registry.service'), 'utf8');
    const file = path.join(folder, 'tug-registry.service');
    writeFileSync(file, unit.replace('/usr/local/bin/tug', path.join(root, 'bin/tug')));
    const { code, stdout, stderr } = await run('systemd-analyze', [
      'verify',
      '--man=no',
      '--recursive-errors=no',
      file,
    ]);
    const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('tug-registry'));
    assert.deepEqual([code, ours], [0, []]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
