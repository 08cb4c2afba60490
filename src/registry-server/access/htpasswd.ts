import type { AccessController } from '../contract.ts';
import { formatChallenge, loginWanted, readAuthorization } from './authorization.ts';
import { createBasicLogin } from './basic-login.ts';
import { type AccessBase, decide, recordRefusal } from './decide.ts';
import type { Passwords } from './passwords.ts';

/**
 * Names and passwords with each request (RFC 7617). `GET /v2/` always asks for a login, since clients learn there that
 * there is one; what the rules allow everybody is given without.
 */
export function createHtpasswdAccess(base: AccessBase, passwords: Passwords, realm: string): AccessController {
  const challenge = (): string => formatChallenge('Basic', { realm });
  const login = createBasicLogin(base, passwords);
  return {
    async authorize(request, wanted) {
      const authorization = readAuthorization(request);
      if (authorization.scheme === 'basic') {
        const identity = await login(request, authorization.login, challenge);
        return decide(base, request, identity, wanted, challenge);
      }
      if (authorization.scheme !== 'none') {
        recordRefusal(base, request, wanted, 'no basic authorization');
        throw loginWanted(challenge());
      }
      if (wanted.length === 0) throw loginWanted(challenge());
      return decide(base, request, base.rules.identify(''), wanted, challenge);
    },
    sees: (identity, repository) => base.rules.allows(identity, repository, 'pull'),
  };
}
