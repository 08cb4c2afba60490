import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { invalid, messageOf } from '../../../base/errors.ts';

/** Keys that tokens may be signed with. */
export interface TrustedKeys {
  readonly byId: ReadonlyMap<string, KeyObject>;
  /** Certificates that may have signed those which a token brings along (`x5c`). */
  readonly roots: readonly X509Certificate[];
}

const pemBlock = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g;

/**
 * The certificates (and bare public keys) of a PEM bundle, by both names that token servers give them: the thumbprint of
 * RFC 7638, and the fingerprint of libtrust. @throws invalid when there is none, or one cannot be read.
 */
export async function readBundle(pem: string): Promise<TrustedKeys> {
  const blocks = [...pem.matchAll(pemBlock)].map((match) => ({ label: match[1] ?? '', text: match[0] }));
  const roots = blocks.filter(({ label }) => label === 'CERTIFICATE').map(({ text }) => new X509Certificate(text));
  const bare = blocks.filter(({ label }) => label.endsWith('PUBLIC KEY')).map(({ text }) => createPublicKey(text));
  const keys = [...roots.map((one) => one.publicKey), ...bare];
  if (keys.length === 0) throw invalid('there is no certificate in it');
  const byId = new Map<string, KeyObject>();
  for (const key of keys) {
    byId.set(await thumbprintOf(key), key);
    byId.set(libtrustId(key), key);
  }
  return { byId, roots };
}

/** The keys of a JWK set (RFC 7517) by their `kid`. @throws invalid for what is no such set. */
export async function readJwks(text: string): Promise<TrustedKeys> {
  const keys = keysOf(text);
  const byId = new Map<string, KeyObject>();
  for (const jwk of keys) {
    const key = readJwk(jwk);
    if (typeof jwk['kid'] === 'string') byId.set(jwk['kid'], key);
    byId.set(await thumbprintOf(key), key);
  }
  return { byId, roots: [] };
}

function keysOf(text: string): Record<string, unknown>[] {
  const parsed: unknown = JSON.parse(text);
  const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0) throw invalid('there are no "keys" in it');
  return keys.filter((key): key is Record<string, unknown> => typeof key === 'object' && key !== null);
}

/** A public key; a private one gives its public half, a shared secret is refused. */
export function readJwk(jwk: Readonly<Record<string, unknown>>): KeyObject {
  if (jwk['kty'] === 'oct') throw invalid('a shared secret is no key to verify tokens with');
  try {
    return createPublicKey({ format: 'jwk', key: { ...jwk } });
  } catch (error) {
    throw invalid(`a key cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** SHA-256 over the key's members in their order (RFC 7638). */
export async function thumbprintOf(key: KeyObject): Promise<string> {
  return calculateJwkThumbprint(key.export({ format: 'jwk' }), 'sha256');
}

/** Twelve groups of four letters: 240 bits of the SHA-256 of the key's DER form, in base 32. */
export function libtrustId(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  const letters = base32(createHash('sha256').update(der).digest().subarray(0, 30));
  return (letters.match(/.{4}/g) ?? []).join(':');
}

/** RFC 4648's alphabet; for a multiple of five bytes, which needs no padding. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? [])
    .map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(five, 2)])
    .join('');
}

/** Several sets of keys as one. */
export function joinKeys(sets: readonly TrustedKeys[]): TrustedKeys {
  return { byId: new Map(sets.flatMap(({ byId }) => [...byId])), roots: sets.flatMap(({ roots }) => roots) };
}
