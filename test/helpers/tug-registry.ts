import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './ports.ts';

export interface TugRegistryOptions {
  /** Keys beside, or over, those that every test has, by section. */
  readonly config?: Readonly<Record<string, object>>;
  /** Where its content lies, in place of a folder of its own that is removed with it. */
  readonly root?: string;
  /** One that nobody comes by before a registry that was killed has it again; by default any such. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

/** `tug registry serve` in a process of its own. Disposing ends it and removes its folder. */
export interface TugRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** For files of the test; removed with the registry. */
  readonly folder: string;
  /** Where its content lies. */
  readonly root: string;
  readonly pid: number;
  /** What it has said so far, line by line. */
  readonly lines: readonly string[];
  /** Resolves with the first line of its log, said already or later, that the pattern finds. */
  said(pattern: RegExp): Promise<string>;
  /** Kills it, and starts it again at the same address. */
  killAndRestart(): Promise<void>;
}

const program = path.resolve(import.meta.dirname, '../../bin/tug-registry');

/** Starts a registry and waits until it listens. @throws with its last lines when it ends before. */
export async function startTugRegistry(options: TugRegistryOptions = {}): Promise<TugRegistry> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-registry-'));
  try {
    return await open(folder, options);
  } catch (error) {
    await fs.rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function open(folder: string, options: TugRegistryOptions): Promise<TugRegistry> {
  const root = options.root ?? path.join(folder, 'data');
  let running = await launch(folder, root, options.port ?? (await freePort()), options);
  const port = Number(running.host.slice(running.host.lastIndexOf(':') + 1));
  return {
    host: running.host,
    folder,
    root,
    get pid() {
      return running.child.pid ?? 0;
    },
    get lines() {
      return running.lines;
    },
    said: (pattern) => running.said(pattern),
    async killAndRestart() {
      running.child.kill('SIGKILL');
      await running.ended;
      running = await launch(folder, root, port, options);
    },
    async [Symbol.asyncDispose]() {
      running.child.kill('SIGTERM');
      await running.ended;
      await fs.rm(folder, { recursive: true, force: true });
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly host: string;
  readonly ended: Promise<void>;
  readonly lines: string[];
  said(pattern: RegExp): Promise<string>;
}

async function launch(folder: string, root: string, port: number, options: TugRegistryOptions): Promise<Running> {
  const config = path.join(folder, 'config.json');
  await fs.writeFile(config, JSON.stringify(configuration(root, port, options.config ?? {})));
  const child = spawn(program, ['serve', '--config', config, ...(options.flags ?? [])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], TMPDIR: os.tmpdir(), ...options.env },
  });
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // Read to the end: a full pipe would stop the registry.
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look(line);
  });
  const said = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (line: string): void => {
        if (!pattern.test(line)) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      lines.forEach(look);
      void ended.then(() => reject(new Error(`the registry ended: ${lines.slice(-5).join('\n')}`)));
    });
  const listening = await said(/listening on /);
  const host = /listening on (\S+)/.exec(listening)?.[1]?.replace(/^\[::\]/, '127.0.0.1') ?? '';
  return { child, host, ended, lines, said };
}

function configuration(root: string, port: number, more: Readonly<Record<string, object>>): object {
  const { storage, http, ...rest } = more;
  return {
    version: '0.1',
    storage: { filesystem: { rootdirectory: root }, delete: { enabled: true }, ...storage },
    http: { addr: `127.0.0.1:${port}`, ...http },
    ...rest,
  };
}
