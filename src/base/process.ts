import { spawn } from 'node:child_process';
import { internal, messageOf, TugError } from './errors.ts';

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until the process is killed with SIGKILL; none by default. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a program to its end, without a shell, and returns its exit code (128 + n for a signal) and output.
 * @throws unsupported when the program is not installed, unavailable when it ran past `timeout`.
 */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env as NodeJS.ProcessEnv }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.timeout === undefined ? {} : { timeout: options.timeout, killSignal: 'SIGKILL' as const }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout!.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr!.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') {
        reject(new TugError('unsupported', `${file} is not installed`, { code: 'program-missing', cause: error }));
      } else reject(error);
    });
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL' && options.timeout !== undefined && child.killed) {
        reject(new TugError('unavailable', `${file} ran for more than ${options.timeout} ms and was killed`));
        return;
      }
      resolve({
        code: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0),
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      });
    });
    child.stdin?.on('error', () => {}); // EPIPE: the program's exit code tells
    child.stdin?.end(options.input);
  });
}

/** As `run`, and returns standard output. @throws internal with the program's own words when it exits non-zero. */
export async function runChecked(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(file, args, options);
  if (result.code !== 0) {
    const said = result.stderr.trim() || result.stdout.trim() || `exit status ${result.code}`;
    throw internal(`${file} ${args.slice(0, 3).join(' ')}: ${said}`, { details: { exitCode: result.code } });
  }
  return result.stdout;
}

/** Linux signal numbers by name, `SIGRTMIN` included as Docker spells it. */
export const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
  SIGRTMIN: 34,
  SIGRTMAX: 64,
};

/** A signal given as `KILL`, `SIGKILL` or `9` as its number, or undefined if it is none. */
export function parseSignal(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= 64 ? number : undefined;
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const relative = /^SIG(RTMIN|RTMAX)([+-]\d+)$/.exec(name);
  if (relative) {
    const number = signalNumbers[`SIG${relative[1]}`]! + Number(relative[2]);
    return number >= 34 && number <= 64 ? number : undefined;
  }
  return signalNumbers[name];
}

/** `SIGKILL` for 9; undefined for what is no signal. */
export function signalName(number: number): string | undefined {
  const [name] = Object.entries(signalNumbers).find(([, value]) => value === number) ?? [];
  if (name !== undefined) return name;
  return number > 34 && number < 64 ? `SIGRTMIN+${number - 34}` : undefined;
}

/** True while a process of that id exists (a zombie counts). */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return messageOf(error).includes('EPERM');
  }
}
