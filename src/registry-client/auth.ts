import { TugError } from '../base/errors.ts';
import type { Challenge } from './challenge.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import { fetchToken, type Token } from './token.ts';
import type { Transport } from './transport.ts';

export interface AuthorizerOptions {
  readonly transport: Transport;
  readonly credentials: Credentials | undefined;
  /** Such as `repository:library/busybox:pull`. */
  readonly scope: string;
  /** For messages. */
  readonly registry: string;
}

/** The `Authorization` of one repository's requests: answers challenges and keeps the token until it runs out. */
export interface Authorizer {
  /** The header to send, or undefined while the registry has not asked for one. */
  header(): Promise<string | undefined>;
  /**
   * A header that answers the challenges of a 401 to a request that carried `refused`; undefined when there is
   * none that could be better. Concurrent callers share one token request. `url` is where the 401 came from.
   * @throws unauthorized without the credentials that are asked for; unavailable when the token server fails.
   */
  answer(challenges: readonly Challenge[], refused: string | undefined, url: URL): Promise<string | undefined>;
}

export function createAuthorizer({ transport, credentials, scope, registry }: AuthorizerOptions): Authorizer {
  const fixed = credentials?.registrytoken ? `Bearer ${credentials.registrytoken}` : undefined;
  let current: (() => Promise<string>) | undefined;

  const viaBasic = (): (() => Promise<string>) => {
    const basic = basicHeader(credentials);
    if (basic === undefined) throw noCredentials(registry);
    return async () => basic;
  };
  const viaToken = (challenge: Challenge, asked: URL): (() => Promise<string>) => {
    const source = keepToken(() => fetchToken({ transport, challenge, credentials, scope, registry, asked }));
    return async () => `Bearer ${(await source()).value}`;
  };
  return {
    header: async () => fixed ?? current?.(),
    async answer(challenges, refused, url) {
      if (fixed !== undefined) return undefined;
      const standing = await current?.().catch(() => undefined);
      if (standing !== undefined && standing !== refused) return standing; // another request was quicker
      const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
      if (bearer) current = viaToken(bearer, url);
      else if (challenges.some((challenge) => challenge.scheme === 'basic')) current = viaBasic();
      else return undefined;
      const header = await current();
      return header === refused ? undefined : header;
    },
  };
}

/** Fetches at the first call and again when the token has run out; callers at the same time share the request. */
function keepToken(fetch: () => Promise<Token>): () => Promise<Token> {
  let held: { token: Promise<Token>; until: number } | undefined;
  return () => {
    if (held && Date.now() < held.until) return held.token;
    const mine = { token: fetch(), until: Number.POSITIVE_INFINITY };
    held = mine;
    mine.token.then(
      (token) => {
        mine.until = token.goodUntil;
      },
      () => {
        if (held === mine) held = undefined;
      },
    );
    return mine.token;
  };
}

function noCredentials(registry: string): TugError {
  return new TugError(
    'unauthorized',
    `no basic auth credentials: registry ${registry} wants a login ('tug login ${registry}')`,
    {
      code: 'no-credentials',
    },
  );
}
