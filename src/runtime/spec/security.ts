import { readFileSync } from 'node:fs';
import { invalid, unsupported } from '../../base/errors.ts';
import { defaultSeccompProfile } from './seccomp.ts';
import { parseSeccompProfile } from './seccomp-profile.ts';

export interface SecurityPlan {
  readonly noNewPrivileges: boolean;
  /** `linux.seccomp`, or undefined for unconfined. */
  readonly seccomp: object | undefined;
  /** Masked and read-only paths are lifted (`systempaths=unconfined`). */
  readonly unmasked: boolean;
  /** `process.apparmorProfile`, or undefined where AppArmor is not at work or has no default profile. */
  readonly apparmor: string | undefined;
  /** The values of `label=`, for `selinuxLabels`. */
  readonly labels: readonly string[];
}

/** The security modules that containers may ask for. */
export interface SecurityModules {
  /** The profile of those who ask for none. */
  readonly apparmor?: { readonly defaultProfile: string | undefined } | undefined;
  readonly selinux?: boolean;
}

/**
 * What `--security-opt` asks for. A seccomp profile comes as its JSON text: clients read the file. AppArmor and labels are accepted only where they ask for nothing (`unconfined`, `disable`) or the
 * kernel has them.
 * @throws invalid for an unknown option, unsupported for one this host cannot honour.
 */
export function parseSecurityOptions(
  options: readonly string[],
  capabilities: readonly string[],
  privileged: boolean,
  seccompAvailable: boolean,
  modules: SecurityModules = {},
): SecurityPlan {
  let noNewPrivileges = false;
  let unmasked = false;
  let profile: string | undefined;
  let apparmor: string | undefined;
  const labels: string[] = [];
  for (const option of options) {
    const at = option.search(/[=:]/);
    const key = at < 0 ? option : option.slice(0, at);
    const value = at < 0 ? '' : option.slice(at + 1);
    if (key === 'no-new-privileges') noNewPrivileges = parseSwitch(option, value);
    else if (key === 'seccomp') profile = value;
    else if (key === 'systempaths' && value === 'unconfined') unmasked = true;
    else if (key === 'label' && (modules.selinux || value === 'disable')) labels.push(value);
    else if (key === 'apparmor' && (modules.apparmor || value === 'unconfined')) apparmor = value || undefined;
    else if (key === 'label' || key === 'apparmor')
      throw unsupported(
        `--security-opt ${option}: ${key === 'label' ? 'SELinux' : 'AppArmor'} is not active on this ${key === 'label' ? 'engine: it takes the key selinux-enabled' : 'host'}`,
      );
    else throw invalid(`invalid --security-opt: ${JSON.stringify(option)}`);
  }
  return {
    noNewPrivileges,
    unmasked,
    apparmor: modules.apparmor && (apparmor ?? (privileged ? 'unconfined' : modules.apparmor.defaultProfile)),
    labels,
    seccomp: seccomp(profile, capabilities, privileged, seccompAvailable),
  };
}

function parseSwitch(option: string, value: string): boolean {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw invalid(`invalid --security-opt: ${JSON.stringify(option)}`);
}

function seccomp(
  profile: string | undefined,
  capabilities: readonly string[],
  privileged: boolean,
  available: boolean,
) {
  if (profile === 'unconfined' || (profile === undefined && privileged)) return undefined;
  if (profile === undefined || profile === 'builtin')
    return available ? defaultSeccompProfile(capabilities) : undefined;
  if (!available) throw unsupported('--security-opt seccomp: this kernel has no seccomp filters');
  return parseSeccompProfile(profile, capabilities);
}

/** True where the kernel filters system calls (/proc/self/status, proc(5)). */
export function kernelHasSeccomp(): boolean {
  return /^Seccomp:\s/m.test(readFileSync('/proc/self/status', 'utf8'));
}
