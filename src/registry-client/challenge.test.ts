import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenges } from './challenge.ts';

test('reads a bearer challenge with commas and equals signs inside quotes', () => {
  const header = 'Bearer realm="https://auth.example/token?a=b",service="reg",scope="repository:a/b:pull,push"';
  assert.deepEqual(parseChallenges(header), [
    {
      scheme: 'bearer',
      parameters: { realm: 'https://auth.example/token?a=b', service: 'reg', scope: 'repository:a/b:pull,push' },
    },
  ]);
});

test('reads several challenges in one header', () => {
  assert.deepEqual(parseChallenges('Basic realm="a \\"b\\"", Negotiate, BEARER Realm = x , error=insufficient_scope'), [
    { scheme: 'basic', parameters: { realm: 'a "b"' } },
    { scheme: 'negotiate', parameters: {} },
    { scheme: 'bearer', parameters: { realm: 'x', error: 'insufficient_scope' } },
  ]);
});

test('stops at what it cannot read and keeps what came before', () => {
  assert.deepEqual(parseChallenges(''), []);
  assert.deepEqual(parseChallenges('=x'), []);
  assert.deepEqual(parseChallenges('Basic realm="open'), [{ scheme: 'basic', parameters: {} }]);
});
