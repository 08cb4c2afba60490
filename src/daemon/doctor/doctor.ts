import { checkCgroups } from './checks/cgroups.ts';
import { checkDisk } from './checks/disk.ts';
import { checkKernel } from './checks/kernel.ts';
import { checkBridge, checkForwarding, checkRules } from './checks/network.ts';
import { checkOverlayfs } from './checks/overlayfs.ts';
import { checkMonitor, checkNft, checkRuntimes } from './checks/programs.ts';
import { checkSeccomp, checkSecurityModules } from './checks/security.ts';
import { checkUserNamespaces } from './checks/user-namespaces.ts';
import type { DoctorFacts } from './facts.ts';
import { gatherFacts } from './gather.ts';
import type { CheckResult } from './result.ts';

const checks = [
  checkKernel,
  checkCgroups,
  checkOverlayfs,
  checkUserNamespaces,
  checkRuntimes,
  checkMonitor,
  checkNft,
  checkBridge,
  checkForwarding,
  checkSeccomp,
  checkSecurityModules,
  checkDisk,
] as const;

/** Judges the facts; one result per check, in the order in which a report shows them. Reads nothing. */
export function runDoctor(facts: DoctorFacts): CheckResult[] {
  return [...checks.map((check) => check(facts)), ...checkRules(facts)];
}

const marks = { ok: '✔', warning: '!', failed: '✖' } as const;

/** The report as text: a line per check, its remedy below it, and a last line that sums up. */
export function formatReport(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const lines = results.flatMap(({ name, status, sentence, remedy }) => [
    `${marks[status]} ${name.padEnd(width)}  ${sentence}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 4)}to mend it: ${remedy}`]),
  ]);
  return `${[...lines, summary(results)].join('\n')}\n`;
}

function summary(results: readonly CheckResult[]): string {
  const count = (status: CheckResult['status']): number => results.filter((result) => result.status === status).length;
  if (count('failed') > 0)
    return `${count('failed')} of ${results.length} checks failed: containers cannot run here yet.`;
  if (count('warning') > 0) return `Containers run here, with ${count('warning')} of ${results.length} checks warning.`;
  return 'Everything a container needs is here.';
}

/**
 * What `tugd doctor` does: looks at this machine, writes the report, and returns the exit code, 1 when a check
 * failed. Changes nothing on the machine. `dataRoot` is where the engine's state would lie; it need not exist.
 */
export async function doctorCommand(dataRoot: string, write: (text: string) => void): Promise<number> {
  const results = runDoctor(await gatherFacts(dataRoot));
  write(formatReport(results));
  return results.some(({ status }) => status === 'failed') ? 1 : 0;
}
