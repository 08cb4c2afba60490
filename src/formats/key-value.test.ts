import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFilters, mergeEnv, parseEnv, parseFilterOptions, parseFilters, parseLabel } from './key-value.ts';

const lookup = (name: string) => (name === 'HOME' ? '/root' : undefined);
const plain = (filters: object) => ({ ...filters });

test('-e', () => {
  assert.equal(parseEnv('A=b=c', lookup), 'A=b=c');
  assert.equal(parseEnv('A=', lookup), 'A=');
  assert.equal(parseEnv('HOME', lookup), 'HOME=/root');
  assert.equal(parseEnv('NOPE', lookup), 'NOPE');
  assert.throws(() => parseEnv('=x', lookup), { message: 'invalid environment variable: =x', kind: 'invalid' });
  assert.throws(() => parseEnv('', lookup), { message: 'invalid environment variable: ' });
});

test('--label', () => {
  assert.deepEqual(parseLabel('a=b=c'), ['a', 'b=c']);
  assert.deepEqual(parseLabel('a'), ['a', '']);
  assert.throws(() => parseLabel('=x'), { message: "invalid label '=x': empty name" });
  assert.throws(() => parseLabel('A B=c'), { message: "label 'A B' contains whitespaces" });
});

test('environments are merged, a bare name removes', () => {
  assert.deepEqual(mergeEnv(['A=1', 'B=2'], ['A=3', 'B', 'C=4']), ['A=3', 'C=4']);
});

test('--filter', () => {
  assert.deepEqual(plain(parseFilterOptions(['A = b ', 'a=c', 'a=c', '', 'label=x=y'])), {
    a: ['b', 'c'],
    label: ['x=y'],
  });
  assert.throws(() => parseFilterOptions(['a']), { message: 'bad format of filter (expected name=value)' });
});

test('the filters parameter in both shapes', () => {
  assert.deepEqual(plain(parseFilters('{"a":{"x":true,"y":true,"z":false},"b":{}}')), { a: ['x', 'y'], b: [] });
  assert.deepEqual(plain(parseFilters('{"a":["x"],"b":null}')), { a: ['x'], b: [] });
  assert.deepEqual(plain(parseFilters('')), {});
  assert.deepEqual(plain(parseFilters(undefined)), {});
  assert.deepEqual(Object.keys(parseFilters('{"__proto__":["x"]}')), ['__proto__']);
  assert.equal(formatFilters({ a: ['x'] }), '{"a":{"x":true}}');
  for (const json of ['x', '[]', '1', '{"a":1}', '{"a":[1]}', '{"a":{"x":"y"}}', '{"a":"x"}']) {
    assert.throws(() => parseFilters(json), { kind: 'invalid', code: 'invalid-filter' }, json);
  }
});
