import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatRfc3339Nano,
  formatUnixTimestamp,
  parseRfc3339Nano,
  parseTimestamp,
  parseUnixTimestamp,
} from './timestamp.ts';

const now = 1_700_000_000_123_456_789n;
const at = (text: string, zoneMinutes = 0) => formatRfc3339Nano(parseTimestamp(text, { now, zoneMinutes }));

test('every form that --since takes', () => {
  const cases: [text: string, want: string][] = [
    ['2006-01-02T15:04:05.999999999+07:00', '2006-01-02T08:04:05.999999999Z'],
    ['2006-01-02T15:04:05.9Z', '2006-01-02T15:04:05.9Z'],
    ['2006-01-02T15:04:05', '2006-01-02T15:04:05Z'],
    ['2006-01-02T15:04:05-07:30', '2006-01-02T22:34:05Z'],
    ['2006-01-02T15:04Z', '2006-01-02T15:04:00Z'],
    ['2006-01-02T15:04', '2006-01-02T15:04:00Z'],
    ['2006-01-02T15+01:00', '2006-01-02T14:00:00Z'],
    ['2006-01-02T15', '2006-01-02T15:00:00Z'],
    ['2006-01-02Z', '2006-01-02T00:00:00Z'],
    ['2006-01-02-03:00', '2006-01-02T03:00:00Z'],
    ['2006-01-02', '2006-01-02T00:00:00Z'],
    ['0000-02-29', '0000-02-29T00:00:00Z'],
    ['1136073600', '2006-01-01T00:00:00Z'],
    ['1136073600.000000001', '2006-01-01T00:00:00.000000001Z'],
    ['1136073600.5', '2006-01-01T00:00:00.5Z'],
    ['0', '1970-01-01T00:00:00Z'],
    ['10s', formatRfc3339Nano(now - 10_000_000_000n)],
    ['1h30m', formatRfc3339Nano(now - 5_400_000_000_000n)],
    ['-1s', formatRfc3339Nano(now + 1_000_000_000n)],
  ];
  for (const [text, want] of cases) assert.equal(at(text), want, text);
});

test('a time without a zone is local', () => {
  assert.equal(at('2006-01-02T15:04', 60), '2006-01-02T14:04:00Z');
  assert.equal(at('2006-01-02T15:04Z', 60), '2006-01-02T15:04:00Z');
});

test('what is no time is refused', () => {
  for (const text of ['', 'x', '2006-13-01', '2006-02-30', '2006-01-02T24:00', '2006-01-02T10:60', '1d', '1.2.3']) {
    assert.throws(() => at(text), { kind: 'invalid', message: /^failed to parse value as time or duration: "/ }, text);
  }
});

test('Unix time goes to the API and back', () => {
  assert.equal(formatUnixTimestamp(now), '1700000000.123456789');
  assert.equal(parseUnixTimestamp(formatUnixTimestamp(now)), now);
  assert.equal(parseUnixTimestamp('soon'), undefined);
});

test('both styles of the fraction', () => {
  assert.equal(formatRfc3339Nano(now), '2023-11-14T22:13:20.123456789Z');
  assert.equal(formatRfc3339Nano(1_500_000_000n), '1970-01-01T00:00:01.5Z');
  assert.equal(formatRfc3339Nano(1_000_000_000n), '1970-01-01T00:00:01Z');
  assert.equal(formatRfc3339Nano(1_000_000_000n, 'fixed'), '1970-01-01T00:00:01.000000000Z');
  assert.equal(formatRfc3339Nano(-1n), '1969-12-31T23:59:59.999999999Z');
  assert.equal(parseRfc3339Nano('2023-11-14T22:13:20.123456789Z'), now);
  assert.throws(() => parseRfc3339Nano('2023-11-14'), { kind: 'invalid' });
  assert.throws(() => parseRfc3339Nano('2023-11-14T10:00:00'), { kind: 'invalid' });
});
