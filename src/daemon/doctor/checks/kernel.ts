import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, failed, ok, warning } from '../result.ts';

/** 4.18: overlayfs with xattrs in any user namespace's reach, cgroup v2's freezer follows in 5.2. */
const oldest = [4, 18];
const comfortable = [5, 4];

export function checkKernel({ kernel }: DoctorFacts): CheckResult {
  const said = `Linux ${kernel.release} on ${kernel.architecture}`;
  const version = kernel.release.split(/[.-]/).slice(0, 2).map(Number);
  if (isBefore(version, oldest)) {
    return failed('kernel', `${said} is too old: tug needs ${oldest.join('.')} or later.`, 'boot a newer kernel');
  }
  if (isBefore(version, comfortable)) {
    return warning(
      'kernel',
      `${said} works, but pidfds and cgroup v2's freezer are missing before ${comfortable.join('.')}.`,
    );
  }
  return ok('kernel', `${said}.`);
}

function isBefore(
  [major = 0, minor = 0]: readonly number[],
  [wantMajor = 0, wantMinor = 0]: readonly number[],
): boolean {
  return major < wantMajor || (major === wantMajor && minor < wantMinor);
}
