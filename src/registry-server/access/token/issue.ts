import { randomUUID } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { TugError } from '../../../base/errors.ts';
import type { ResourceAccess } from '../scopes.ts';
import type { SigningKey } from './signing-key.ts';

/** Makes the tokens of this registry. */
export interface TokenIssuer {
  /** A token for requests, and for how many seconds it counts. */
  access(user: string, access: readonly ResourceAccess[]): Promise<{ token: string; seconds: number; issued: Date }>;
  /** A token to get others with, in place of a password (docker keeps it as `identitytoken`). */
  refresh(user: string): Promise<string>;
  /** Whose refresh token it is. @throws unauthorized when it has run out, or the user's entry is another one now. */
  readRefresh(token: string): Promise<string>;
}

export interface IssuerOptions {
  readonly key: SigningKey;
  readonly issuer: string;
  readonly service: string;
  /** Milliseconds. */
  readonly expiration: number;
  readonly refreshExpiration: number;
  /** The user's hash; undefined for who is not there. */
  readonly hashOf: (user: string) => Promise<string | undefined>;
  readonly now?: () => Date;
}

const refreshType = 'refresh+jwt';

/** Nothing of a token is kept: a refresh token is bound to the user's hash, so that a new password ends it. */
export function createTokenIssuer(options: IssuerOptions): TokenIssuer {
  const { key, issuer, service, expiration, refreshExpiration, hashOf, now = () => new Date() } = options;
  const seconds = Math.max(1, Math.round(expiration / 1000));
  const refreshAudience = `${service} refresh`; // so that neither kind is taken for the other
  const secondOf = (date: Date): number => Math.floor(date.getTime() / 1000);

  return {
    async access(user, access) {
      const issued = now();
      const token = await new SignJWT({ access: [...access] })
        .setProtectedHeader({ alg: 'ES256', kid: key.id, typ: 'JWT' })
        .setIssuer(issuer)
        .setSubject(user)
        .setAudience(service)
        .setJti(randomUUID())
        .setIssuedAt(secondOf(issued))
        .setNotBefore(secondOf(issued))
        .setExpirationTime(secondOf(issued) + seconds)
        .sign(key.privateKey);
      return { token, seconds, issued };
    },
    async refresh(user) {
      return new SignJWT({ seal: key.seal(`${user}:${await hashOf(user)}`) })
        .setProtectedHeader({ alg: 'ES256', kid: key.id, typ: refreshType })
        .setIssuer(issuer)
        .setSubject(user)
        .setAudience(refreshAudience)
        .setIssuedAt(secondOf(now()))
        .setExpirationTime(secondOf(now()) + Math.round(refreshExpiration / 1000))
        .sign(key.privateKey);
    },
    async readRefresh(token) {
      const checks = { issuer, audience: refreshAudience, typ: refreshType, algorithms: ['ES256'] };
      const { payload } = await jwtVerify(token, key.publicKey, { ...checks, currentDate: now() }).catch(
        (cause: unknown) => Promise.reject(spent(cause)),
      );
      const user = payload.sub ?? '';
      const hash = await hashOf(user);
      if (hash === undefined || payload['seal'] !== key.seal(`${user}:${hash}`)) throw spent();
      return user;
    },
  };
}

const spent = (cause?: unknown): TugError =>
  new TugError('unauthorized', 'the login no longer counts, log in again', { code: 'invalid-token', cause });
