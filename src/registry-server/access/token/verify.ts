import type { KeyObject } from 'node:crypto';
import { type JWTHeaderParameters, type JWTPayload, jwtVerify } from 'jose';
import { isKind, messageOf, TugError } from '../../../base/errors.ts';
import type { ResourceAccess } from '../scopes.ts';
import { keyOfChain } from './certificate-chain.ts';
import { readJwk, type TrustedKeys, thumbprintOf } from './keys.ts';

/** What a token says. */
export interface TokenClaims {
  /** The user; '' for nobody. */
  readonly subject: string;
  readonly access: readonly ResourceAccess[];
}

export interface TokenVerifier {
  /** @throws unauthorized `invalid-token` for one that is not signed by a trusted key, not for here, or not of now. */
  verify(token: string): Promise<TokenClaims>;
}

export interface VerifierOptions {
  readonly keys: () => Promise<TrustedKeys>;
  readonly issuer: string;
  readonly service: string;
  /** Names of RFC 7518; those of key pairs without. */
  readonly algorithms?: readonly string[] | undefined;
  readonly now?: () => Date;
}

/** What keys pairs can sign with. Shared secrets (`HS256`) are none of them: who can verify could sign. */
export const keyPairAlgorithms: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** Clocks of two machines may differ by this much, in seconds; CNCF distribution's leeway. */
const leeway = 60;
const longestToken = 64 * 1024;

/**
 * Verifies tokens of the distribution protocol ("Token Authentication Implementation"): JWTs with `iss`, `aud`, `exp`
 * and `access`, signed by a key that is named (`kid`), brought along and known (`jwk`), or certified (`x5c`).
 */
export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { keys, issuer, service, algorithms = keyPairAlgorithms, now = () => new Date() } = options;
  return {
    async verify(token) {
      if (token.length > longestToken) throw invalidToken('it is too long');
      const trusted = await keys();
      const keyOf = (header: JWTHeaderParameters): Promise<KeyObject> => findKey(header, trusted, now());
      const checks = { issuer, audience: service, algorithms: [...algorithms], clockTolerance: leeway };
      try {
        const { payload } = await jwtVerify(token, keyOf, { ...checks, currentDate: now(), requiredClaims: ['exp'] });
        return { subject: payload.sub ?? '', access: accessOf(payload) };
      } catch (error) {
        throw isKind(error, 'unauthorized') ? error : invalidToken(messageOf(error));
      }
    },
  };
}

async function findKey(header: JWTHeaderParameters, trusted: TrustedKeys, now: Date): Promise<KeyObject> {
  if (header.x5c && header.x5c.length > 0) return keyOfChain(header.x5c, trusted.roots, now);
  const id = header.jwk ? await thumbprintOf(readJwk({ ...header.jwk })) : header.kid;
  const key = id === undefined ? undefined : trusted.byId.get(id);
  if (!key) throw invalidToken('it is signed by a key that is not known');
  return key;
}

function accessOf({ access }: JWTPayload): ResourceAccess[] {
  if (access === undefined || access === null) return [];
  if (!Array.isArray(access)) throw invalidToken('its access is no list');
  return access.map((one: unknown) => {
    const { type, name, actions } = Object(one) as Record<string, unknown>;
    if (typeof type !== 'string' || typeof name !== 'string' || !Array.isArray(actions))
      throw invalidToken('its access cannot be read');
    return { type, name, actions: actions.filter((action) => typeof action === 'string') };
  });
}

const invalidToken = (why: string): TugError =>
  new TugError('unauthorized', `the token is not valid: ${why}`, { code: 'invalid-token' });
