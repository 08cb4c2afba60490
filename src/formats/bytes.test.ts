import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesSize, humanSize, parseBytes, parseDecimalBytes, parseMemorySwap } from './bytes.ts';

test('sizes are parsed in powers of 1024', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['4096', 4096],
    ['512m', 512 * 1024 ** 2],
    ['1.5g', 1.5 * 1024 ** 3],
    ['1kB', 1024],
    ['1 KiB', 1024],
    ['2Tb', 2 * 1024 ** 4],
    ['32b', 32],
    ['.5k', 512],
    ['32.5', 32],
    ['1PiB', 1024 ** 5],
  ];
  for (const [text, bytes] of cases) assert.equal(parseBytes(text), bytes, text);
  assert.equal(parseDecimalBytes('1.5MB'), 1_500_000);
  assert.equal(parseMemorySwap('-1'), -1);
});

test('what is no size is refused', () => {
  for (const text of ['', 'k', '-1', '1x', '1kx', '1mib2', '1  k', '1..2', '.', ' 1', '1e9999', '99999999p', '1ki']) {
    assert.throws(() => parseBytes(text), { kind: 'invalid', message: /^invalid (size|suffix): '/ }, text);
  }
});

test('sizes are shown as Docker shows them', () => {
  const human: [number, number, string][] = [
    [0, 3, '0B'],
    [999, 3, '999B'],
    [1240, 3, '1.24kB'],
    [4_430_000, 3, '4.43MB'],
    [4_426_000, 4, '4.426MB'],
    [1_000_000, 3, '1MB'],
    [999_900, 3, '1MB'],
    [999_960, 4, '1000kB'],
    [31_360_000, 4, '31.36MB'],
    [656_000_000, 3, '656MB'],
    [1.5e12, 4, '1.5TB'],
  ];
  for (const [bytes, digits, text] of human) assert.equal(humanSize(bytes, digits), text);
  assert.equal(bytesSize(512 * 1024 ** 2), '512MiB');
  assert.equal(bytesSize(1024), '1KiB');
  assert.equal(bytesSize(1023), '1023B');
  assert.equal(bytesSize(8_339_320_832), '7.767GiB');
});
