import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { run, runChecked } from '../base/process.ts';

// The command line as a user runs it, for tests: the sources on Node, and the compiled program.

const root = path.resolve(import.meta.dirname, '../..');

export interface Program extends AsyncDisposable {
  readonly name: 'sources on Node' | 'compiled program';
  readonly command: readonly string[];
  /** Why it cannot be tested here, or undefined. */
  readonly unavailable: string | undefined;
}

export const programNames = ['sources on Node', 'compiled program'] as const;

/** The program of that name; the compiled one is built into a folder that goes with it. */
export async function openProgram(name: Program['name']): Promise<Program> {
  if (name === 'sources on Node') {
    const command = [process.execPath, path.join(root, 'bin/tug.ts')];
    return { name, command, unavailable: undefined, [Symbol.asyncDispose]: async () => {} };
  }
  const nothing = { name, command: [], [Symbol.asyncDispose]: async () => {} };
  if (!(await isBunInstalled())) return { ...nothing, unavailable: 'bun, which compiles the command line, is missing' };
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tug-program-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const file = path.join(folder, 'tug');
  try {
    await runChecked(process.execPath, [path.join(root, 'scripts/build-cli.ts'), file]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { name, command: [file], unavailable: undefined, [Symbol.asyncDispose]: remove };
}

/** Its npm package may be there without the program: what puts that there is a script of the package. */
const isBunInstalled = (): Promise<boolean> =>
  run(path.join(root, 'node_modules/.bin/bun'), ['--version']).then(
    ({ code }) => code === 0,
    () => false,
  );

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs; disposing of it kills it. */
export interface Running extends Disposable {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  /** Resolves when the output so far, of either stream or of one, contains the text. @throws when it ends without it. */
  said(text: string, stream?: 'stdout' | 'stderr'): Promise<void>;
}

/** Starts a command line without a terminal and without the user's own configuration. */
export function start(
  command: readonly string[],
  args: readonly string[],
  options: { host?: string; env?: Record<string, string>; input?: string } = {},
): Running {
  const [file = '', ...before] = command;
  const child = spawn(file, [...before, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      ...(process.env['NODE_COMPILE_CACHE'] ? { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] } : {}),
      ...(options.host ? { TUG_HOST: options.host } : {}),
      ...options.env,
    },
  });
  const output = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  child.stdin.on('error', () => {}); // a program that does not read its input may end first
  if (options.input !== undefined) child.stdin.end(options.input);
  const said = (text: string, stream?: 'stdout' | 'stderr') =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!(stream ? [stream] : (['stdout', 'stderr'] as const)).some((one) => output[one].includes(text))) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      void ended.then((outcome) => reject(new Error(`ended without saying ${text}: ${JSON.stringify(outcome)}`)));
      look();
    });
  return { child, ended, said, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}
