import { createHash } from 'node:crypto';
import { invalid } from '../base/errors.ts';

/** A content digest, `algorithm:hex` (OCI image-spec, descriptor.md, "Digests"). */
export interface Digest {
  readonly algorithm: DigestAlgorithm;
  readonly hex: string;
}

export type DigestAlgorithm = 'sha256' | 'sha384' | 'sha512';

const hexLengths: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);
const anyDigest = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

/**
 * Parses `algorithm:hex`; the hex digits are lower-case.
 * @throws invalid `unsupported digest algorithm`, `invalid checksum digest length` or `invalid checksum digest format`.
 */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, colon);
  const hex = text.slice(colon + 1);
  if (colon <= 0 || hex === '') throw invalid('invalid checksum digest format', { code: 'invalid-digest' });
  const length = hexLengths.get(algorithm);
  if (length === undefined) {
    const known = anyDigest.test(text);
    throw invalid(known ? 'unsupported digest algorithm' : 'invalid checksum digest format', {
      code: 'invalid-digest',
    });
  }
  if (hex.length !== length) throw invalid('invalid checksum digest length', { code: 'invalid-digest' });
  if (!/^[0-9a-f]+$/.test(hex)) throw invalid('invalid checksum digest format', { code: 'invalid-digest' });
  return { algorithm: algorithm as DigestAlgorithm, hex };
}

/** True for text that `parseDigest` takes. */
export function isDigest(text: string): boolean {
  const colon = text.indexOf(':');
  const length = hexLengths.get(text.slice(0, Math.max(colon, 0)));
  return length !== undefined && text.length === colon + 1 + length && /^[0-9a-f]+$/.test(text.slice(colon + 1));
}

export function formatDigest(digest: Digest): string {
  return `${digest.algorithm}:${digest.hex}`;
}

/** `sha256:...` of bytes, or of a string's UTF-8. */
export function sha256(data: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** `sha512:...` of bytes, or of a string's UTF-8. */
export function sha512(data: Uint8Array | string): string {
  return `sha512:${createHash('sha512').update(data).digest('hex')}`;
}

/**
 * The chain-ids of a stack of layers, bottom first: element N names layers 0 to N together
 * (OCI image-spec, config.md, "Layer ChainID").
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : sha256(`${below} ${diffId}`));
  }
  return chain;
}

/** The chain-id of the whole stack. @throws invalid for an empty one, which has none. */
export function chainId(diffIds: readonly string[]): string {
  const top = chainIds(diffIds).at(-1);
  if (top === undefined) throw invalid('a stack without layers has no chain-id');
  return top;
}
