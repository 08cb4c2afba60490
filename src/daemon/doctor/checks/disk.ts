import { humanSize } from '../../../formats/bytes.ts';
import type { DoctorFacts } from '../facts.ts';
import { type CheckResult, failed, ok, warning } from '../result.ts';

const gigabyte = 1e9;

export function checkDisk({ disk }: DoctorFacts): CheckResult {
  const said = `${humanSize(disk.freeBytes)} free for ${disk.dataRoot}`;
  const remedy = 'free space there, or move it with --data-root';
  if (disk.freeBytes < gigabyte / 10) return failed('disk', `only ${said}.`, remedy);
  if (disk.freeBytes < 2 * gigabyte) return warning('disk', `only ${said}.`, remedy);
  if (disk.freeInodes < 20_000 && disk.freeInodes > 0)
    return warning('disk', `${said}, but only ${disk.freeInodes} files can be made.`, remedy);
  return ok('disk', `${said}.`);
}
