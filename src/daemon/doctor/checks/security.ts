import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, ok, warning } from '../result.ts';

export function checkSeccomp({ security }: DoctorFacts): CheckResult {
  if (security.seccomp) return ok('seccomp', 'filters work: containers run with the default profile.');
  return warning(
    'seccomp',
    'the kernel has no filters: containers run without the default profile.',
    'boot a kernel with CONFIG_SECCOMP_FILTER',
  );
}

export function checkSecurityModules({ security }: DoctorFacts): CheckResult {
  const found = [
    ...(security.apparmor ? ['AppArmor is on'] : []),
    ...(security.selinux === 'disabled' ? [] : [`SELinux is ${security.selinux}`]),
  ];
  if (found.length === 0)
    return ok('SELinux/AppArmor', 'neither is active; containers are confined by the other means.');
  return ok('SELinux/AppArmor', `${found.join(', ')}.`);
}
