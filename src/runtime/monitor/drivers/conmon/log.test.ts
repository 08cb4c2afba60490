import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsOf } from '../../../../logs/batch.ts';
import { parseLog } from './log.ts';

const parse = (text: string) => {
  const { consumed, ...batch } = parseLog(Buffer.from(text));
  return { records: recordsOf(batch), consumed };
};

test('a record keeps its nanoseconds, whatever the zone', () => {
  const { records } = parse(
    '2024-02-29T23:59:59.123456789+00:00 stdout F a\n' +
      '2024-03-01T01:59:59.123456789+02:00 stderr P b\n' +
      '2024-03-01T00:00:00.000000001+00:00 stdout F \n',
  );
  const base = BigInt(Date.parse('2024-02-29T23:59:59Z')) * 1_000_000n;
  assert.deepEqual(
    records.map(({ time, stream, partial, data }) => [time, stream, partial, Buffer.from(data).toString()]),
    [
      [base + 123456789n, 'stdout', false, 'a\n'],
      [base + 123456789n, 'stderr', true, 'b'],
      [base + 1_000_000_001n, 'stdout', false, '\n'],
    ],
  );
});

test('a record that is cut off is left for later', () => {
  const whole = '2024-01-01T00:00:00.000000000+00:00 stdout F a\n';
  const { records, consumed } = parse(`${whole}2024-01-01T00:00:00.0000`);
  assert.equal(records.length, 1);
  assert.equal(consumed, whole.length);
});

test('a line that is no record is skipped', () => {
  const text = 'garbage\n\nnot-a-time-at-all-but-long-enough stdout F x\n';
  assert.deepEqual(parse(text), { records: [], consumed: text.length });
});
