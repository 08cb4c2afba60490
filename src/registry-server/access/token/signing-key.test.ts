import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createTokenIssuer } from './issue.ts';
import { openSigningKey } from './signing-key.ts';
import { createTokenVerifier } from './verify.ts';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-key-'));
});
afterEach(() => fs.rm(folder, { recursive: true }));

describe('the key that signs tokens', () => {
  it('is made once, for its owner alone, also by several processes at once', async () => {
    const file = path.join(folder, 'key');
    const keys = await Promise.all([openSigningKey(file), openSigningKey(file), openSigningKey(file)]);
    assert.equal(new Set(keys.map(({ id }) => id)).size, 1);
    assert.equal((await openSigningKey(file)).id, keys[0]?.id);
    assert.equal((await fs.stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await fs.readdir(folder), ['key']);
  });

  it('is refused when it is something else, or nowhere', async () => {
    const file = path.join(folder, 'key');
    await fs.writeFile(file, 'nonsense');
    await assert.rejects(openSigningKey(file), { kind: 'invalid', message: /cannot be used to sign tokens/ });
    await assert.rejects(openSigningKey(path.join(folder, 'none/key')), {
      kind: 'invalid',
      message: /cannot be made at/,
    });
  });
});

describe('the tokens of a registry', () => {
  it('count for as long as they say, and refresh tokens until the password changes', async () => {
    const key = await openSigningKey(path.join(folder, 'key'));
    let time = new Date('2030-01-01T00:00:00Z');
    const hashes = new Map([['ada', 'first']]);
    const now = () => time;
    const shared = { issuer: 'registry', service: 'registry', now };
    const expiry = { expiration: 300_000, refreshExpiration: 86_400_000 };
    const issuer = createTokenIssuer({ ...shared, ...expiry, key, hashOf: async (name) => hashes.get(name) });
    const keys = async () => ({ byId: new Map([[key.id, key.publicKey]]), roots: [] });
    const verifier = createTokenVerifier({ ...shared, keys });
    const access = [{ type: 'repository', name: 'a', actions: ['pull'] }];
    const { token, seconds } = await issuer.access('ada', access);
    const refresh = await issuer.refresh('ada');
    const refused = { kind: 'unauthorized', code: 'invalid-token' };

    assert.equal(seconds, 300);
    assert.deepEqual(await verifier.verify(token), { subject: 'ada', access });
    assert.equal(await issuer.readRefresh(refresh), 'ada');
    await assert.rejects(verifier.verify(refresh), refused);
    await assert.rejects(issuer.readRefresh(token), refused);
    time = new Date(time.getTime() + 400_000);
    await assert.rejects(verifier.verify(token), refused);
    hashes.set('ada', 'second');
    await assert.rejects(issuer.readRefresh(refresh), refused);
    hashes.set('ada', 'first');
    assert.equal(await issuer.readRefresh(refresh), 'ada');
    time = new Date(time.getTime() + 86_400_000);
    await assert.rejects(issuer.readRefresh(refresh), refused);
  });
});
