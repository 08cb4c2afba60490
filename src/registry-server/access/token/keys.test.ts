import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { libtrustId, readBundle, readJwk, readJwks, thumbprintOf } from './keys.ts';

/** The example of RFC 7638, section 3.1. */
const example = {
  kty: 'RSA',
  n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
  e: 'AQAB',
  alg: 'RS256',
  kid: '2011-04-29',
};

describe('the keys of tokens', () => {
  it('have the thumbprint of RFC 7638', async () => {
    assert.equal(await thumbprintOf(readJwk(example)), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });

  it('have the name that CNCF distribution gives to those of a bundle', () => {
    // Debian's docker-registry took a token that was signed with this key under this name.
    const der =
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjJ0ocVOSyejPBwdLJvp5nlCVTh4wNtNAdXhJsfhTBqIi1l9QdhOshg0fn5jVqyTYln5H+HCo0xDiMlE/7Y/4Lw==';
    const key = createPublicKey({ key: Buffer.from(der, 'base64'), format: 'der', type: 'spki' });
    assert.equal(libtrustId(key), '76TX:WREY:AN6X:VX7J:OUOD:6HLS:LRAJ:ZC64:DBFD:HBSQ:AIXA:CR6F');
  });

  it('are found in a JWK set by kid and by thumbprint', async () => {
    const { byId } = await readJwks(JSON.stringify({ keys: [example] }));
    assert.deepEqual([...byId.keys()], ['2011-04-29', 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs']);
  });

  it('are no shared secrets', async () => {
    await assert.rejects(readJwks('{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"s"}]}'), { message: /shared secret/ });
    for (const text of ['{}', '[]', '{"keys":[]}', '{"keys":{}}']) {
      await assert.rejects(readJwks(text), { kind: 'invalid' }, text);
    }
    await assert.rejects(readJwks('{"keys":[{"kty":"EC","crv":"P-256"}]}'), { kind: 'invalid' });
  });

  it('are found in a bundle by both names', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const { byId, roots } = await readBundle(`text before\n${pem}${pem}`);
    assert.deepEqual([...byId.keys()], [await thumbprintOf(publicKey), libtrustId(publicKey)]);
    assert.match(libtrustId(publicKey), /^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
    assert.deepEqual(roots, []);
    await assert.rejects(readBundle('no PEM'), { kind: 'invalid', message: 'there is no certificate in it' });
  });
});
