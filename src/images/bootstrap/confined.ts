import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { errnoOf, TugError, unsupported } from '../../base/errors.ts';

export interface ConfinedCommand {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs a program with mount and process namespaces of its own, so that whatever it mounts or starts ends with it,
 * with a cancel, and with the engine: nothing of it is on the host's file tree when the folder it worked in is removed.
 * It is the host's root in everything else. Each line it says is handed on; resolves with its exit code when all
 * its processes are gone.
 * @throws cancelled when the signal aborts, unsupported without util-linux.
 */
export async function runConfined(
  { command, cwd, env }: ConfinedCommand,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  if (signal.aborted) throw cancelled();
  const [file, ...args] = [
    ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
    // the first process of a namespace takes no signals by default, so the program is not it
    ...['sh', '-c', 'umask 022; "$@"; exit $?', 'sh'],
    ...command,
  ];
  const child = spawn(file ?? '', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): void => endAll(child);
  signal.addEventListener('abort', end);
  try {
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
    const code = await endOf(child);
    if (signal.aborted) throw cancelled();
    return code;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

const cancelled = (): TugError => new TugError('cancelled', 'the client went away');

function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => {
      const missing = 'setpriv and unshare are not installed: install util-linux';
      reject(errnoOf(cause) === 'ENOENT' ? unsupported(missing, { code: 'program-missing', cause }) : cause);
    });
    child.on('close', (code) => resolve(code ?? 137));
  });
}

/** Kills the namespace's first process: `unshare` ends only when all others in it are gone too. */
function endAll(child: ChildProcess): void {
  try {
    const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim();
    if (first !== '') return void process.kill(Number(first.split(' ')[0]), 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ESRCH') throw error;
  }
  child.kill('SIGKILL');
}
