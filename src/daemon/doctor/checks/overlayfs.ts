import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, ok, warning } from '../result.ts';

export function checkOverlayfs({ overlay, disk }: DoctorFacts): CheckResult {
  const { error, fileSystem } = overlay;
  if (error === undefined) return ok('overlayfs', `works on ${disk.dataRoot} (${fileSystem}).`);
  return warning(
    'overlayfs',
    `does not work on ${disk.dataRoot} (${fileSystem}): ${error}. The vfs driver works everywhere, and copies every layer.`,
    'modprobe overlay, or put --data-root on ext4 or xfs; else start tugd with --storage-driver vfs',
  );
}
