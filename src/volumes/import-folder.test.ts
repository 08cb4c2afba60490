import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { settleImport } from './import-folder.ts';

it('an import that was cut off is finished but for names that were given meanwhile', async () => {
  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-import-'));
  const folder = fs.openSync(place, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    const write = (name: string, text: string): void => {
      const file = path.join(place, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, text);
    };
    for (const name of ['a', 'b/c', 'd/e']) write(`staging/${name}`, 'imported');
    write('a', 'since then');
    write('d/f', 'since then');
    await settleImport(folder, { staging: 'staging', unpacked: true });
    const text = (name: string): string => fs.readFileSync(path.join(place, name), 'utf8');
    assert.deepEqual(fs.readdirSync(place).sort(), ['a', 'b', 'd']);
    assert.deepEqual([text('a'), text('b/c'), text('d/f')], ['since then', 'imported', 'since then']);
    await settleImport(folder, { staging: 'staging', unpacked: true });
  } finally {
    fs.closeSync(folder);
    fs.rmSync(place, { recursive: true });
  }
});
