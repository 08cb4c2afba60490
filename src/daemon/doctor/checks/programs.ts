import type { DoctorFacts, ProgramName } from '../facts.ts';
import { type CheckResult, failed, ok, warning } from '../result.ts';

/** A runtime must be there; with both, one can stand in for the other. */
export function checkRuntimes({ programs, cgroup, installer }: DoctorFacts): CheckResult {
  const { crun, runc } = programs;
  const working = [crun, runc].filter((runtime) => runtime !== undefined && runtime.version !== '');
  const said = working.map((runtime) => `${runtime?.version} (${runtime?.path})`).join(', ');
  if (working.length === 0) {
    return failed('runtimes', 'neither crun nor runc is installed, or neither starts.', install('crun', installer));
  }
  if (crun === undefined || crun.version === '') {
    return warning('runtimes', `${said}; crun is missing, which starts containers faster.`, install('crun', installer));
  }
  const refuses = cgroup.mode === 'hybrid' && cgroup.unified.some((controller) => controller !== 'misc');
  return ok(
    'runtimes',
    `${said}.${refuses ? ' crun accepts this cgroup setup once tugd has mounted what is missing.' : ''}`,
  );
}

export const checkMonitor = (facts: DoctorFacts): CheckResult =>
  checkProgram(facts, 'conmon', 'conmon', 'which holds the output and the exit code of every container');

export const checkNft = (facts: DoctorFacts): CheckResult =>
  checkProgram(facts, 'nft', 'nftables', 'which sets the rules for published ports and outgoing traffic');

function checkProgram(
  { programs, installer }: DoctorFacts,
  name: ProgramName,
  pack: string,
  purpose: string,
): CheckResult {
  const program = programs[name];
  if (program === undefined) return failed(name, `is not installed, ${purpose}.`, install(pack, installer));
  if (program.version === '') {
    return failed(name, `does not start (${program.path}), ${purpose}.`, install(`--reinstall ${pack}`, installer));
  }
  return ok(name, `${program.version} (${program.path}).`);
}

export const install = (pack: string, installer: string | undefined): string =>
  installer === undefined ? `install the package ${pack}` : `${installer} ${pack}`;
