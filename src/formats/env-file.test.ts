import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnvFile } from './env-file.ts';

const parse = (content: string | Uint8Array) =>
  parseEnvFile(Buffer.from(content), 'env', (name) => (name === 'HOME' ? '/root' : undefined));

test('lines become NAME=value as they stand', () => {
  assert.deepEqual(parse('\uFEFF# comment\n\nA=b \n\tT=\nX=1=2\r\nQ="q"\n  #no\nHOME\nNOPE\nLAST=l'), [
    'A=b ',
    'T=',
    'X=1=2',
    'Q="q"',
    'HOME=/root',
    'LAST=l',
  ]);
  assert.deepEqual(parse(''), []);
});

test('malformed lines are refused in Docker’s words', () => {
  assert.throws(() => parse('=x\n'), { message: "invalid env file (env): no variable name on line '=x'" });
  assert.throws(() => parse('B = c'), { message: "invalid env file (env): variable 'B ' contains whitespaces" });
  assert.throws(() => parse(Buffer.from([65, 61, 66, 10, 65, 61, 255, 10])), {
    message: 'invalid env file (env): invalid utf8 bytes at line 2: [65 61 255]',
    kind: 'invalid',
  });
});
