import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, failed, ok, warning } from '../result.ts';

const wanted = ['cpu', 'memory', 'pids', 'cpuset'];

/** Which of the three shapes the host has, what tugd does about it, and which limits cannot be set. */
export function checkCgroups({ cgroup }: DoctorFacts): CheckResult {
  if (cgroup.mode === undefined) {
    return failed(
      'cgroups',
      'no cgroup hierarchy is mounted, so containers can neither be limited nor counted.',
      'mount -t cgroup2 none /sys/fs/cgroup (systemd does this at boot)',
    );
  }
  const missing = wanted.filter((controller) => !cgroup.usable.includes(controller));
  const shape = describeShape(cgroup);
  if (missing.length > 0) {
    return warning(
      'cgroups',
      `${shape} The kernel offers no ${missing.join(', ')} controller here: such limits are refused.`,
      missing.includes('memory') ? 'boot with cgroup_enable=memory swapaccount=1' : undefined,
    );
  }
  return ok('cgroups', shape);
}

function describeShape({ mode, unified, unmounted }: DoctorFacts['cgroup']): string {
  if (mode === 'v2') return `v2 (unified), with ${unified.join(', ')}.`;
  if (mode === 'v1') return 'v1, one hierarchy per controller.';
  const held = unified.filter((controller) => controller !== 'misc');
  if (held.length === 0) return 'hybrid: limits are v1, the v2 hierarchy holds no controllers.';
  return (
    `hybrid, and the v2 hierarchy still holds ${held.join(', ')}, which crun refuses: ` +
    `tugd mounts the missing v1 hierarchies (${unmounted.join(', ')}) when it starts, which frees them.`
  );
}
