import type { IncomingMessage } from 'node:http';
import { isKind } from '../../../base/errors.ts';
import type { AccessController, Wanted } from '../../contract.ts';
import { formatChallenge, loginWanted, readAuthorization } from '../authorization.ts';
import type { BasicLogin } from '../basic-login.ts';
import { type AccessBase, decide, recordRefusal } from '../decide.ts';
import { covers, formatScopes } from '../scopes.ts';
import type { TokenClaims, TokenVerifier } from './verify.ts';

export interface TokenAccessOptions {
  readonly verifier: TokenVerifier;
  readonly service: string;
  /** Where tokens are to be had, for who asked so. */
  readonly realm: (request: IncomingMessage) => string;
  /** Whether a token of this user still counts; always without. */
  readonly stillKnown?: (user: string) => Promise<boolean>;
  /** Takes names and passwords too, as `curl -u` sends them; only tokens without. */
  readonly login?: BasicLogin;
}

/**
 * Bearer tokens: a request is let through when its token covers what it wants, and the rules allow that at this moment.
 * Clients ask anew for a token when the answer is 401 and says `insufficient_scope` or `invalid_token`.
 */
export function createTokenAccess(base: AccessBase, options: TokenAccessOptions): AccessController {
  const { verifier, service, realm, stillKnown = async () => true, login } = options;

  const challenge = (request: IncomingMessage, wanted: readonly Wanted[], error?: string): string => {
    const scope = wanted.length === 0 ? undefined : formatScopes(wanted);
    return formatChallenge('Bearer', { realm: realm(request), service, scope, error });
  };
  const read = async (request: IncomingMessage, token: string, wanted: readonly Wanted[]): Promise<TokenClaims> => {
    const refuse = (reason: string): never => {
      recordRefusal(base, request, wanted, reason);
      throw loginWanted(challenge(request, wanted, 'invalid_token'), reason);
    };
    try {
      const claims = await verifier.verify(token);
      return claims.subject === '' || (await stillKnown(claims.subject)) ? claims : refuse('the user is gone');
    } catch (error) {
      if (!isKind(error, 'unauthorized') || error.code !== 'invalid-token') throw error;
      return refuse(error.message);
    }
  };

  return {
    async authorize(request, wanted) {
      const authorization = readAuthorization(request);
      if (authorization.scheme === 'basic' && login) {
        const identity = await login(request, authorization.login, () => challenge(request, wanted));
        return decide(base, request, identity, wanted, () => challenge(request, wanted));
      }
      if (authorization.scheme !== 'bearer') throw loginWanted(challenge(request, wanted));
      const claims = await read(request, authorization.token, wanted);
      if (!wanted.every((one) => covers(claims.access, one))) {
        recordRefusal(base, request, wanted, 'the token does not cover it', claims.subject);
        throw loginWanted(challenge(request, wanted, 'insufficient_scope'));
      }
      const identity = base.rules.identify(claims.subject);
      return decide(base, request, identity, wanted, () => challenge(request, wanted, 'insufficient_scope'));
    },
    sees: (identity, repository) => base.rules.allows(identity, repository, 'pull'),
  };
}
