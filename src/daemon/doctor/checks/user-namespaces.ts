import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, ok, warning } from '../result.ts';

export function checkUserNamespaces({ userNamespaces }: DoctorFacts): CheckResult {
  const { limit, error } = userNamespaces;
  if (limit === 0) {
    return warning(
      'user namespaces',
      'are switched off (user.max_user_namespaces is 0): containers cannot map their root to another user.',
      'sysctl -w user.max_user_namespaces=15000',
    );
  }
  if (error !== undefined) return warning('user namespaces', `cannot be made: ${error}.`);
  return ok('user namespaces', 'can be made.');
}
