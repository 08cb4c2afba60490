import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerError, connectionError } from './errors.ts';

const context = { name: 'app', reference: 'app:v1', registry: 'registry.test' };
const body = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] });
const url = new URL('https://registry.test:5000/v2/');
const system = (code: string, message = code): Error => Object.assign(new Error(message), { code });

test('says in Docker’s words what a registry refuses', () => {
  const cases: [number, string, string, string][] = [
    [
      404,
      body('MANIFEST_UNKNOWN', 'manifest unknown'),
      'not-found',
      'manifest for app:v1 not found: manifest unknown: manifest unknown',
    ],
    [404, '', 'not-found', 'manifest for app:v1 not found: manifest unknown: manifest unknown'],
    [
      403,
      body('DENIED', 'requested access to the resource is denied'),
      'not-found',
      "pull access denied for app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    ],
    [
      404,
      body('NAME_UNKNOWN', 'repository name not known to registry'),
      'not-found',
      'repository app not found: name unknown: repository name not known to registry',
    ],
    [401, body('UNAUTHORIZED', 'authentication required'), 'unauthorized', 'unauthorized: authentication required'],
    [401, '<html>', 'unauthorized', 'unauthorized: authentication required'],
    [418, '', 'unavailable', 'registry registry.test answered with status 418 for app:v1'],
    [502, '<html>', 'unavailable', 'registry registry.test answered with status 502'],
  ];
  for (const [status, text, kind, message] of cases) {
    const error = answerError(status, {}, text, context);
    assert.deepEqual([error.kind, error.message], [kind, message]);
  }
});

test('takes Retry-After of a 429 as seconds and as a date', () => {
  const seconds = answerError(429, { 'retry-after': '7' }, body('TOOMANYREQUESTS', 'slow down'), context);
  assert.match(seconds.message, /^toomanyrequests: slow down/);
  assert.equal(seconds.details['retryAfter'], 7);
  const date = new Date(Date.now() + 60_000).toUTCString();
  const later = answerError(429, { 'retry-after': date }, '', context).details['retryAfter'];
  assert.ok(typeof later === 'number' && later > 50 && later <= 61);
  assert.equal(answerError(429, {}, '', context).details['retryAfter'], undefined);
});

test('lets no control characters of a registry through', () => {
  const error = answerError(404, {}, body('MANIFEST_UNKNOWN', '\u001b[2Jgone\r\n'), context);
  assert.equal(error.message, 'manifest for app:v1 not found: manifest unknown:  [2Jgone ');
});

test('survives bodies that are not what they should be', () => {
  for (const text of ['null', '[]', '{"errors":{}}', '{"errors":[null]}', '{"errors":[{"code":5}]}', '{']) {
    assert.equal(answerError(404, {}, text, context).code, 'manifest-unknown');
  }
});

test('names the registry and the reason when a connection fails', () => {
  const cases: [Error, string, RegExp][] = [
    [
      system('ENOTFOUND'),
      'registry-unknown-host',
      /^registry registry\.test:5000: lookup registry\.test: no such host/,
    ],
    [system('ECONNREFUSED'), 'registry-refused', /^registry registry\.test:5000: connection refused/],
    [
      system('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'),
      'registry-untrusted',
      /certificate signed by unknown authority.*self-signed certificate.*certs\.d\/registry\.test:5000\/ca\.crt/,
    ],
    [system('EPROTO'), 'registry-not-tls', /server gave HTTP response to HTTPS client/],
    [system('ECONNRESET', 'socket hang up'), 'connection-cut', /the connection was cut \(socket hang up\)/],
  ];
  for (const [cause, code, message] of cases) {
    const error = connectionError(cause, url);
    assert.deepEqual([error.kind, error.code], ['unavailable', code]);
    assert.match(error.message, message);
  }
});
