import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TugError } from '../../../base/errors.ts';
import { type DoctorCheck, doctor, repair } from '../../../client/calls/system.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';

export const command: Command = {
  paths: ['doctor'],
  usage: '[OPTIONS]',
  short: "Check what containers need of the engine's machine",
  flags: [{ long: 'repair', kind: 'bool', description: "Make the engine's bridges and firewall rules again first" }],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    if (flags.bool('repair')) await repair(session.engine);
    const checks = await askEngine(session);
    if (checks === undefined) return runLocally();
    await session.out.write(report(checks));
    return checks.some(({ status }) => status === 'failed') ? 1 : 0;
  },
};

/** The engine's report, or undefined when there is no engine at the local socket that it would listen on. */
async function askEngine(session: Session): Promise<DoctorCheck[] | undefined> {
  try {
    return await doctor(session.engine);
  } catch (error) {
    const unreachable = error instanceof TugError && error.code === 'engine-unreachable';
    if (unreachable && session.engine.endpoint.kind === 'unix') return undefined;
    throw error;
  }
}

const marks: Readonly<Record<string, string>> = { ok: '✔', warning: '!', failed: '✖' };

function report(checks: readonly DoctorCheck[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, status, sentence, remedy }) => [
    `${marks[status] ?? '?'} ${name.padEnd(width)}  ${sentence}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 4)}to mend it: ${remedy}`]),
  ]);
  return `${[...lines, summary(checks)].join('\n')}\n`;
}

function summary(checks: readonly DoctorCheck[]): string {
  const count = (wanted: DoctorCheck['status']) => checks.filter(({ status }) => status === wanted).length;
  if (count('failed') > 0)
    return `${count('failed')} of ${checks.length} checks failed: containers cannot run here yet.`;
  if (count('warning') > 0) return `Containers run here, with ${count('warning')} of ${checks.length} checks warning.`;
  return 'Everything a container needs is here.';
}

/** `tugd doctor` looks at this machine without an engine; its report and exit code are passed on. */
function runLocally(): Promise<number> {
  const [program, ...args] = engineCommand();
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, 'doctor'], { stdio: 'inherit' });
    child.on('error', (error) =>
      reject(
        new CommandFailure(`no engine answers, and ${program} cannot be run: ${error.message}`, 1, { cause: error }),
      ),
    );
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** `tugd` of this install, which lies in `bin` beside this program's folder; from a checkout its source on Node; else the one on PATH. */
function engineCommand(): [program: string, ...args: string[]] {
  const roots = [
    path.resolve(path.dirname(realpathSync(process.execPath)), '..'),
    path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..'),
  ];
  for (const root of roots) {
    const installed = path.join(root, 'bin/tugd');
    if (existsSync(installed)) return [installed];
    const [node, source] = [path.join(root, 'node_modules/.bin/node'), path.join(root, 'bin/tugd.ts')];
    if (existsSync(node) && existsSync(source)) return [node, source];
  }
  return ['tugd'];
}
