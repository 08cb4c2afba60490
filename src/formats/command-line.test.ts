import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ellipsis, formatCommand, joinCommand } from './command-line.ts';

test('commands are told as docker ps tells them', () => {
  const command = joinCommand('sh', ['-c', 'sleep 100; echo "hi"']);
  assert.equal(command, `sh -c 'sleep 100; echo "hi"'`);
  assert.equal(formatCommand(command), `"sh -c 'sleep 100; e…"`);
  assert.equal(formatCommand(command, true), String.raw`"sh -c 'sleep 100; echo \"hi\"'"`);
  assert.equal(formatCommand('日本語日本語日本語日本語日本語'), '"日本語日本語日本語…"');
  assert.equal(formatCommand('aéaéaéaéaéaéaéaéaéaéaéaé'), '"aéaéaéaéaéaéaéaéaéa…"');
  assert.equal(formatCommand('\x01\ttab'), String.raw`"\x01\ttab"`);
});

test('what fits is not cut', () => {
  assert.equal(ellipsis('12345', 5), '12345');
  assert.equal(ellipsis('123456', 5), '1234…');
  assert.equal(ellipsis('日本語', 6), '日本語');
});
