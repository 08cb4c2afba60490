import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loginFor } from './imports.ts';

it('a name gets the login of its registry, in whatever way that is written', () => {
  const logins = {
    'https://index.docker.io/v1/': 'hub',
    'http://own.example:5000/v2/': 'own',
    'other.example': 'other',
  };
  for (const ref of ['busybox', 'me/app:1', 'docker.io/me/app', 'index.docker.io/me/app'])
    assert.equal(loginFor(ref, logins), 'hub', ref);
  assert.equal(loginFor('own.example:5000/app', logins), 'own');
  assert.equal(loginFor('other.example/app', logins), 'other');
  assert.equal(loginFor('none.example/app', logins), undefined);
  assert.equal(loginFor('busybox', { 'docker.io': 'short' }), 'short');
});
