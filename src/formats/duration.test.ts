import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, humanDuration, parseDuration } from './duration.ts';

const second = 1_000_000_000n;

test('Go durations are parsed to nanoseconds', () => {
  const cases: [string, bigint][] = [
    ['0', 0n],
    ['5s', 5n * second],
    ['1m30s', 90n * second],
    ['1.5h', 5400n * second],
    ['-10ms', -10_000_000n],
    ['+1us', 1000n],
    ['1µs', 1000n],
    ['3ns', 3n],
    ['.5s', second / 2n],
    ['1.s', second],
    ['1h2m3.000000004s', 3723n * second + 4n],
    ['0.0000000001s', 0n],
  ];
  for (const [text, want] of cases) assert.equal(parseDuration(text), want, text);
});

test('malformed durations are refused in Go’s words', () => {
  const cases: [string, string][] = [
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['.', 'time: invalid duration "."'],
    ['.s', 'time: invalid duration ".s"'],
    ['10', 'time: missing unit in duration "10"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['s', 'time: invalid duration "s"'],
    ['3000000h', 'time: invalid duration "3000000h"'],
    ['1s ', 'time: unknown unit "s " in duration "1s "'],
  ];
  for (const [text, message] of cases) assert.throws(() => parseDuration(text), { message, kind: 'invalid' });
});

test('durations are formatted as Go formats them', () => {
  for (const text of [
    '0s',
    '1ns',
    '1.1µs',
    '2.2ms',
    '3.3s',
    '4m5s',
    '4m5.001s',
    '5h6m7.001s',
    '8m0.000000001s',
    '1h0m0s',
  ]) {
    assert.equal(formatDuration(parseDuration(text)), text);
  }
  assert.equal(formatDuration(-90n * second), '-1m30s');
});

test('durations are told as Docker tells them', () => {
  const hour = 3600n;
  const cases: [bigint, string][] = [
    [0n, 'Less than a second'],
    [1n, '1 second'],
    [59n, '59 seconds'],
    [60n, 'About a minute'],
    [119n, 'About a minute'],
    [120n, '2 minutes'],
    [59n * 60n, '59 minutes'],
    [hour, 'About an hour'],
    [89n * 60n, 'About an hour'],
    [90n * 60n, '2 hours'],
    [47n * hour, '47 hours'],
    [48n * hour, '2 days'],
    [13n * 24n * hour, '13 days'],
    [14n * 24n * hour, '2 weeks'],
    [59n * 24n * hour, '8 weeks'],
    [60n * 24n * hour, '2 months'],
    [729n * 24n * hour, '24 months'],
    [730n * 24n * hour, '2 years'],
  ];
  for (const [seconds, text] of cases) assert.equal(humanDuration(seconds * second), text, String(seconds));
});
