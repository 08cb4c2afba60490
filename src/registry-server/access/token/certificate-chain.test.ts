import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runChecked } from '../../../base/process.ts';
import { keyOfChain } from './certificate-chain.ts';

const refused = { kind: 'unauthorized', code: 'invalid-token' };
const certificates = new Map<string, X509Certificate>();
let folder: string;

/** Makes NAME.pem, signed by another one, or by itself. */
async function make(name: string, { by = name, ca = false, subject = name }): Promise<void> {
  const file = (of: string, kind: string): string => path.join(folder, `${of}.${kind}`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file(name, 'key')];
  const signed = by === name ? [] : ['-CA', file(by, 'pem'), '-CAkey', file(by, 'key')];
  const kind = ['-addext', `basicConstraints=critical,CA:${ca ? 'TRUE' : 'FALSE'}`];
  const out = ['-days', '2', '-subj', `/CN=${subject}`, '-out', file(name, 'pem')];
  await runChecked('openssl', ['req', '-x509', ...key, ...signed, ...kind, ...out]);
  certificates.set(name, new X509Certificate(await fs.readFile(file(name, 'pem'))));
}

before(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-chain-'));
  await make('root', { ca: true });
  await make('middle', { ca: true, by: 'root' });
  await make('leaf', { by: 'middle' });
  await make('false-middle', { by: 'root' });
  await make('false-leaf', { by: 'false-middle' });
  await make('evil', { ca: true, subject: 'root' });
  await make('evil-leaf', { by: 'evil' });
});

after(() => fs.rm(folder, { recursive: true, force: true }));

const get = (name: string): X509Certificate => certificates.get(name) ?? assert.fail(name);
const keyOf = (chain: readonly string[], roots: readonly string[], now = new Date()) =>
  keyOfChain(
    chain.map((name) => get(name).raw.toString('base64')),
    roots.map(get),
    now,
  );

describe('a chain of certificates', () => {
  it('gives the key of its first when a trusted one has signed it, or the next', () => {
    const wanted = get('leaf').publicKey;
    assert.ok(keyOf(['leaf', 'middle'], ['root']).equals(wanted));
    assert.ok(keyOf(['leaf', 'middle', 'root'], ['root']).equals(wanted));
    assert.ok(keyOf(['leaf'], ['middle']).equals(wanted));
    assert.ok(keyOf(['leaf'], ['leaf']).equals(wanted));
  });

  it('is refused without a way to a trusted one', () => {
    assert.throws(() => keyOf(['leaf'], ['root']), refused);
    assert.throws(() => keyOf(['leaf', 'middle'], []), refused);
    assert.throws(() => keyOf(['evil-leaf', 'evil'], ['root']), refused);
    assert.throws(() => keyOf(['evil-leaf', 'evil', 'root'], ['root']), refused);
    assert.throws(() => keyOf([], ['root']), refused);
  });

  it('is refused when one that may not sign has signed', () => {
    assert.throws(() => keyOf(['false-leaf', 'false-middle'], ['root']), refused);
  });

  it('is refused when one has run out, or cannot be read', () => {
    assert.throws(() => keyOf(['leaf', 'middle'], ['root'], new Date(Date.now() + 3 * 86_400_000)), refused);
    assert.throws(() => keyOf(['leaf', 'middle'], ['root'], new Date(Date.now() - 86_400_000)), refused);
    assert.throws(() => keyOfChain(['AAAA'], [get('root')], new Date()), refused);
  });
});
