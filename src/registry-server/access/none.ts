import type { AccessController } from '../contract.ts';
import { type AccessBase, certificateName, decide } from './decide.ts';

/**
 * Asks nobody for a login. Whose certificate was verified (`http.tls.clientcas`) has its common name for the rules,
 * all others are nobody.
 */
export function createOpenAccess(base: AccessBase): AccessController {
  return {
    async authorize(request, wanted) {
      const identity = base.rules.identify(certificateName(request) ?? '');
      return decide(base, request, identity, wanted);
    },
    sees: (identity, repository) => base.rules.allows(identity, repository, 'pull'),
  };
}
