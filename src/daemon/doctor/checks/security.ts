import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, ok, warning } from '../result.ts';
import { install } from './programs.ts';

export function checkSeccomp({ security }: DoctorFacts): CheckResult {
  if (security.seccomp) return ok('seccomp', 'filters work: containers run with the default profile.');
  return warning(
    'seccomp',
    'the kernel has no filters: containers run without the default profile.',
    'boot a kernel with CONFIG_SECCOMP_FILTER',
  );
}

export function checkSecurityModules({ security, installer }: DoctorFacts): CheckResult {
  if (security.apparmor === 'bare')
    return warning(
      'SELinux/AppArmor',
      'AppArmor is on, but apparmor_parser is not installed: containers run without the default profile.',
      `${install('apparmor', installer)}, then start the engine again`,
    );
  if (security.apparmor === 'hidden')
    return warning(
      'SELinux/AppArmor',
      'AppArmor is on, but its profiles cannot be seen below /sys/kernel/security: containers run without one.',
      'mount -t securityfs securityfs /sys/kernel/security, then start the engine again',
    );
  const found = [
    ...(security.apparmor === 'on' ? ['AppArmor is on'] : []),
    ...(security.selinux === 'disabled' ? [] : [`SELinux is ${security.selinux}`]),
  ];
  if (found.length === 0)
    return ok('SELinux/AppArmor', 'neither is active; containers are confined by the other means.');
  return ok('SELinux/AppArmor', `${found.join(', ')}.`);
}
