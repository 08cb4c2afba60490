import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { libtrustId, thumbprintOf } from './keys.ts';
import { createTokenVerifier } from './verify.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const now = new Date('2030-01-01T00:00:00Z');
const second = now.getTime() / 1000;
const claims = {
  iss: 'auth.test',
  aud: 'registry.test',
  sub: 'ada',
  exp: second + 60,
  nbf: second,
  access: [{ type: 'repository', name: 'team/app', actions: ['pull'] }],
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT made without the library that verifies it. */
function make(header: Record<string, unknown>, payload: unknown, key: KeyObject): string {
  const body = `${encode({ typ: 'JWT', ...header })}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(body), { key, dsaEncoding: 'ieee-p1363' });
  return `${body}.${signature.toString('base64url')}`;
}

const byId = new Map([
  ['ec', ec.publicKey],
  ['rsa', rsa.publicKey],
  [libtrustId(ec.publicKey), ec.publicKey],
]);
const verifier = createTokenVerifier({
  keys: async () => ({ byId: new Map([...byId, [await thumbprintOf(ec.publicKey), ec.publicKey]]), roots: [] }),
  issuer: 'auth.test',
  service: 'registry.test',
  now: () => now,
});
const es256 = { alg: 'ES256', kid: 'ec' };
const verify = (payload: object, header: Record<string, unknown> = es256, key = ec.privateKey) =>
  verifier.verify(make(header, payload, key));
const refused = { kind: 'unauthorized', code: 'invalid-token' };

describe('a token', () => {
  it('counts when a known key has signed it, by any of its names', async () => {
    const expected = { subject: 'ada', access: claims.access };
    assert.deepEqual(await verify(claims), expected);
    assert.deepEqual(await verify(claims, { alg: 'ES256', kid: libtrustId(ec.publicKey) }), expected);
    assert.deepEqual(await verify(claims, { alg: 'RS256', kid: 'rsa' }, rsa.privateKey), expected);
    const jwk = ec.publicKey.export({ format: 'jwk' });
    assert.deepEqual(await verify(claims, { alg: 'ES256', jwk }), expected);
  });

  it('may be for several services, for nobody, and without access', async () => {
    assert.equal((await verify({ ...claims, aud: ['other', 'registry.test'] })).subject, 'ada');
    const { sub: _, access: __, ...rest } = claims;
    assert.deepEqual(await verify(rest), { subject: '', access: [] });
    assert.deepEqual((await verify({ ...claims, access: null })).access, []);
  });

  it('does not count from strangers, for others, or at another time', async () => {
    const bad: Record<string, object> = {
      issuer: { ...claims, iss: 'evil.test' },
      audience: { ...claims, aud: 'other' },
      'no audience': { ...claims, aud: undefined },
      expired: { ...claims, exp: second - 61 },
      'no end': { ...claims, exp: undefined },
      'not yet': { ...claims, nbf: second + 61 },
      access: { ...claims, access: 'all' },
      'access of nothing': { ...claims, access: [null] },
    };
    for (const [name, payload] of Object.entries(bad)) await assert.rejects(verify(payload), refused, name);
    await assert.rejects(verify(claims, es256, stranger.privateKey), refused);
    const jwk = stranger.publicKey.export({ format: 'jwk' });
    await assert.rejects(verify(claims, { alg: 'ES256', jwk }, stranger.privateKey), refused);
    await assert.rejects(verify(claims, { alg: 'ES256' }), refused);
  });

  it('allows the clocks of two machines a minute', async () => {
    assert.equal((await verify({ ...claims, exp: second - 30, nbf: second - 90 })).subject, 'ada');
    assert.equal((await verify({ ...claims, nbf: second + 30 })).subject, 'ada');
  });

  it('does not count unsigned, or signed with a public key as if it were a secret', async () => {
    const unsigned = `${encode({ alg: 'none', kid: 'ec' })}.${encode(claims)}.`;
    await assert.rejects(verifier.verify(unsigned), refused);
    await assert.rejects(verify(claims, { alg: 'HS256', kid: 'ec' }), refused);
    await assert.rejects(verify(claims, { alg: 'RS256', kid: 'ec' }), refused);
    const [head, , tail] = make(es256, claims, ec.privateKey).split('.');
    await assert.rejects(verifier.verify(`${head}.${encode({ ...claims, sub: 'eve' })}.${tail}`), refused);
  });

  it('does not count when it is nonsense', async () => {
    for (const text of ['', '.', '..', 'a.b.c', 'x'.repeat(70_000), `${encode(es256)}.${encode(claims)}`])
      await assert.rejects(verifier.verify(text), refused);
    await assert.rejects(verify(claims, { ...es256, crit: ['b64'], b64: false }), refused);
    await assert.rejects(verify(claims, { alg: 'ES256', jwk: { kty: 'EC' } }), { kind: 'unauthorized' });
  });
});
