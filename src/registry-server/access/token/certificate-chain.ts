import { type KeyObject, X509Certificate } from 'node:crypto';
import { messageOf, TugError } from '../../../base/errors.ts';

const longestChain = 10;

/**
 * The key of the first certificate of a chain (`x5c`: base64 of DER, each signed by the next), if the chain leads to one
 * of `roots` and all its certificates count at `now`. @throws unauthorized otherwise.
 */
export function keyOfChain(chain: readonly string[], roots: readonly X509Certificate[], now: Date): KeyObject {
  const [leaf, ...between] = chain.slice(0, longestChain).map(readCertificate);
  if (!leaf) throw untrusted('it has no certificate');
  let current = leaf;
  for (let step = 0; step <= longestChain; step++) {
    requireValid(current, now);
    if (roots.some((root) => root.raw.equals(current.raw))) return leaf.publicKey;
    const root = roots.find((one) => signedBy(current, one));
    if (root) {
      requireValid(root, now);
      return leaf.publicKey;
    }
    const issuer = between.find((one) => one.ca && one !== current && signedBy(current, one));
    if (!issuer) break;
    current = issuer;
  }
  throw untrusted('no trusted certificate has signed it');
}

const signedBy = (one: X509Certificate, issuer: X509Certificate): boolean =>
  issuer.ca && one.checkIssued(issuer) && one.verify(issuer.publicKey);

function readCertificate(base64: string): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'));
  } catch (error) {
    throw untrusted(messageOf(error));
  }
}

function requireValid(certificate: X509Certificate, now: Date): void {
  if (now < certificate.validFromDate || now > certificate.validToDate)
    throw untrusted('it has run out, or is of the future');
}

const untrusted = (why: string): TugError =>
  new TugError('unauthorized', `the certificate of a token is not trusted: ${why}`, { code: 'invalid-token' });
