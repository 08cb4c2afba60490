import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, closeSync, globSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { waitForEngine } from '../../scripts/wait-for-engine.ts';
import { type RunOptions, type RunResult, run } from '../../src/base/process.ts';

export { starterImage } from './engine-image.ts';

import { type ApiResponse, callApi } from './engine-api.ts';
import { removeContainers, sweepEngine } from './engine-sweep.ts';
import { tugProgram } from './tug-program.ts';

const projectRoot = path.resolve(import.meta.dirname, '../..');
const projectNode = path.join(projectRoot, 'node_modules/.bin/node');

export interface EngineOptions {
  /** More flags for tugd. */
  readonly args?: readonly string[];
  /** More environment, such as `TUG_CRASH_AT`; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The mode of its folder, 0700 without it: containers with ids of their own have to pass it. */
  readonly mode?: number;
  /** Milliseconds until it must answer; five minutes by default. */
  readonly timeout?: number;
}

/** A real tugd with roots, socket and bridge of its own, for one test or one file of tests. */
export interface TestEngine extends AsyncDisposable {
  /** The folder everything of this engine is below. */
  readonly root: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly socket: string;
  readonly bridge: string;
  /** The bridge's address and network, `10.200.7.1/24`. */
  readonly subnet: string;
  /** The running process's id. @throws when it is not running. */
  readonly pid: number;
  /** Resolves when the current process has ended. */
  readonly ended: Promise<Ending>;
  /** Everything the engine has logged, over all restarts. */
  log(): string;
  /** One API call; `body` is sent as JSON. */
  api(method: string, path: string, body?: unknown): Promise<ApiResponse>;
  /** Runs tug's, or Docker's, command line against this engine, with a configuration folder of its own. */
  tug(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  docker(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The environment that points tug and docker at this engine. */
  clientEnv(): Record<string, string | undefined>;
  /** Sends a signal (SIGKILL by default) and waits for the end. Containers run on. */
  kill(signal?: NodeJS.Signals): Promise<Ending>;
  /** SIGTERM, and waits. Containers run on. Does nothing when it is not running. */
  stop(): Promise<Ending>;
  /** Starts it again on the same roots, after `kill` or `stop`, or stopping it first. `env` is added to the first start's. */
  restart(env?: EngineOptions['env']): Promise<void>;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts an engine and waits until it answers. Use it with `await using`: at the end of the scope its containers are
 * removed, it is stopped, and its mounts, bridge, rules and folders are taken away, also when it crashed.
 * @throws with the engine's log when it does not come up; nothing is left then.
 */
export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const root = mkdtempSync(path.join(os.tmpdir(), 'tug-test-'));
  if (options.mode !== undefined) chmodSync(root, options.mode);
  const engine = describeEngine(root, options);
  writeFileSync(path.join(root, 'bridge'), engine.bridge); // for whoever has to take away what a killed test left
  try {
    await engine.restart();
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  return engine;
}

function describeEngine(root: string, options: EngineOptions): TestEngine {
  const paths = {
    root,
    dataRoot: path.join(root, 'data'),
    execRoot: path.join(root, 'exec'),
    socket: path.join(root, 'tug.sock'),
    bridge: `tg${randomBytes(3).toString('hex')}`,
    subnet: takeAlone(root, 'subnet', () => `10.${randomInt(128, 255)}.${randomInt(256)}.1/24`),
    // there are only 31 in Docker's own; 10.1 is left to tests of what is refused
    pool: takeAlone(root, 'pool', () => `base=10.${randomInt(2, 100)}.0.0/16,size=24`),
  };
  let current: { child: ChildProcess; ended: Promise<Ending> } | undefined;
  let wasReady = false;
  let isGone = false;
  const clientEnv = (): Record<string, string | undefined> => ({
    ...process.env,
    TUG_HOST: `unix://${paths.socket}`,
    DOCKER_HOST: `unix://${paths.socket}`,
    DOCKER_CONFIG: path.join(root, 'client'),
    DOCKER_CONTEXT: undefined,
  });
  const client = (program: string) => (args: readonly string[], more?: RunOptions) =>
    run(program, args, { timeout: 300_000, ...more, env: { ...clientEnv(), ...more?.env } });
  const engine: TestEngine = {
    ...paths,
    get pid() {
      if (current?.child.pid === undefined) throw new Error('the engine is not running');
      return current.child.pid;
    },
    get ended() {
      return current?.ended ?? Promise.resolve({ code: null, signal: null });
    },
    log: () => readFileSync(path.join(root, 'tugd.log'), 'utf8'),
    api: (method, target, body) => callApi(paths.socket, method, target, body),
    tug: (args, more) => client(tugProgram())(args, more),
    docker: client('docker'),
    clientEnv,
    async kill(signal = 'SIGKILL') {
      const ended = engine.ended;
      current?.child.kill(signal);
      return await ended;
    },
    stop: () => engine.kill('SIGTERM'),
    async restart(env) {
      await engine.stop();
      const child = launch(paths, options, env);
      const ended = endOf(child);
      current = { child, ended };
      void ended.then(() => {
        if (current?.child === child) current = undefined;
      });
      await ready(paths.socket, ended, options.timeout ?? 300_000, () => engine.log());
      wasReady = true;
    },
    async [Symbol.asyncDispose]() {
      if (isGone) return;
      // one that never answered has no containers; another needs an engine to have them removed
      if (current === undefined && wasReady) await engine.restart({ TUG_CRASH_AT: undefined }).catch(() => {});
      if (current !== undefined) await removeContainers(paths.socket).catch(() => {});
      await Promise.race([engine.stop(), new Promise((resolve) => setTimeout(resolve, 60_000).unref())]);
      await engine.kill('SIGKILL');
      await sweepEngine(paths);
      isGone = true;
    },
  };
  return engine;
}

/** What no other engine has: each writes down what it takes before it looks at what the others wrote. */
function takeAlone(root: string, what: 'subnet' | 'pool', draw: () => string): string {
  const mine = path.join(root, what);
  for (;;) {
    const drawn = draw();
    writeFileSync(mine, drawn);
    const others = globSync(path.join(path.dirname(root), `tug-test-*/${what}`)).filter((file) => file !== mine);
    if (!others.some((file) => contentOf(file) === drawn)) return drawn;
  }
}

/** Nothing of an engine that has gone meanwhile. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function launch(
  paths: {
    root: string;
    dataRoot: string;
    execRoot: string;
    socket: string;
    bridge: string;
    subnet: string;
    pool: string;
  },
  options: EngineOptions,
  env: EngineOptions['env'],
): ChildProcess {
  mkdirSync(path.join(paths.root, 'client'), { recursive: true });
  const configFile = path.join(paths.root, 'daemon.json'); // not the machine's own
  writeFileSync(configFile, '{}', { flag: 'w' });
  const log = openSync(path.join(paths.root, 'tugd.log'), 'a');
  const args = [
    path.join(projectRoot, 'bin/tugd.mjs'),
    ...['--debug', '--data-root', paths.dataRoot, '--exec-root', paths.execRoot],
    ...['--pidfile', path.join(paths.root, 'tugd.pid'), '--host', `unix://${paths.socket}`],
    ...['--config-file', configFile, ...addressArgs(paths, options.args ?? [])],
  ];
  try {
    return spawn(projectNode, args, {
      cwd: '/',
      stdio: ['ignore', log, log],
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env, ...env },
    });
  } finally {
    closeSync(log);
  }
}

/** A test that says what its networks are to be is left to it. */
function addressArgs(paths: { bridge: string; subnet: string; pool: string }, args: readonly string[]): string[] {
  const own = args.includes('--bridge');
  return [
    ...(own ? [] : ['--bridge-name', paths.bridge]),
    ...(own || args.includes('--bip') ? [] : ['--bip', paths.subnet]),
    ...(args.includes('--default-address-pool') ? [] : ['--default-address-pool', paths.pool]),
    ...args,
  ];
}

const endOf = (child: ChildProcess): Promise<Ending> =>
  new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });

async function ready(socket: string, ended: Promise<Ending>, timeout: number, log: () => string): Promise<void> {
  const gone = new AbortController();
  void ended.then(({ code, signal }) => gone.abort(new Error(`tugd ended with ${signal ?? `exit code ${code}`}`)));
  try {
    await waitForEngine(socket, timeout, gone.signal);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}; its log:\n${log().slice(-4000)}`, {
      cause: error,
    });
  }
}
