import { spawn } from 'node:child_process';
import { closeSync, globSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { messageOf } from '../src/base/errors.ts';
import { runChecked } from '../src/base/process.ts';
import { formatReport, runDoctor } from '../src/daemon/doctor/doctor.ts';
import { gatherFacts } from '../src/daemon/doctor/gather.ts';
import { type EnginePaths, enginePaths } from './engine-paths.ts';
import { starterArchive, starterReference } from './starter-image.ts';
import { ping, waitForEngine } from './wait-for-engine.ts';

// The part of npm start that runs once packages and npm modules are there. Its arguments go to tugd.

const projectRoot = path.resolve(import.meta.dirname, '..');
const tug = path.join(projectRoot, 'bin/tug');
const startTimeout = 30_000;

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`npm start: ${messageOf(error)}`);
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<void> {
  const engine = enginePaths(args);
  await buildCommandLine();
  await checkMachine(engine.dataRoot);
  const started = await ensureEngine(engine);
  const clientEnv = { ...process.env, TUG_HOST: `unix://${engine.socket}` };
  const imported = await ensureImage(clientEnv);
  const greeting = ['run', '--rm', 'busybox', 'echo', 'Hello from a container.'];
  const said = await runChecked(tug, greeting, { env: clientEnv });
  console.log(`${started ? 'Started tugd' : 'tugd was running already'}: socket ${engine.socket}, log ${engine.log}`);
  if (imported) console.log(`Made the image ${starterReference} from this machine's busybox.`);
  console.log(`$ bin/tug run --rm busybox echo 'Hello from a container.'\n${said.trimEnd()}\n`);
  console.log(whatNext(engine.socket));
}

/** Compiles the command line, unless that was done since the last change; the rule is that of bin/tug. */
async function buildCommandLine(): Promise<void> {
  const built = statSync(path.join(projectRoot, 'dist/tug'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = globSync(['src/**/*.ts', 'bin/tug.ts'], { cwd: projectRoot });
  if (sources.every((file) => statSync(path.join(projectRoot, file)).mtimeMs <= built)) return;
  console.log('Compiling the command line ...');
  await runChecked(process.execPath, ['scripts/build-cli.ts'], { cwd: projectRoot });
}

/** Says what is wrong with the machine, in doctor's words. @throws when containers cannot run. */
async function checkMachine(dataRoot: string): Promise<void> {
  const results = runDoctor(await gatherFacts(dataRoot));
  if (results.every(({ status }) => status === 'ok')) return;
  console.log(formatReport(results.filter(({ status }) => status !== 'ok')));
  if (results.some(({ status }) => status === 'failed')) throw new Error('this machine cannot run containers yet.');
}

/** Starts tugd in a session of its own and waits until it answers; does nothing when one does already. */
async function ensureEngine(engine: EnginePaths): Promise<boolean> {
  mkdirSync(path.dirname(engine.socket), { recursive: true });
  if ((await ping(engine.socket)) === 'ok') return false;
  mkdirSync(path.dirname(engine.log), { recursive: true });
  const log = openSync(engine.log, 'a', 0o640);
  const child = spawn(process.execPath, [path.join(projectRoot, 'bin/tugd.mjs'), ...engine.args], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
    env: engineEnvironment(),
  });
  closeSync(log);
  const ended = new AbortController();
  child.on('error', (error) => ended.abort(error));
  child.on('exit', (code, signal) => {
    const last = readFileSync(engine.log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
    ended.abort(new Error(`tugd ended with ${signal ?? `exit code ${code}`}. The end of ${engine.log}:\n${last}`));
  });
  await waitForEngine(engine.socket, startTimeout, ended.signal);
  child.unref();
  return true;
}

/** The engine outlives npm, so nothing of npm's own environment is for it. */
function engineEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$|NODE$|NODE_ENV$)/.test(name));
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => !/node_modules|node-gyp/.test(folder));
  return { ...Object.fromEntries(own), PATH: folders.join(':') };
}

async function ensureImage(env: NodeJS.ProcessEnv): Promise<boolean> {
  if ((await runChecked(tug, ['images', '--quiet'], { env })).trim() !== '') return false;
  const archive = await starterArchive();
  await importArchive(archive, env);
  return true;
}

function importArchive(archive: Buffer, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ['import', '--change', 'CMD ["sh"]', '--message', "made by npm start from this machine's busybox"];
  const child = spawn(tug, [...args, '-', starterReference], { env, stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin?.on('error', () => {}); // the exit code tells
  child.stdin?.end(archive);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`tug import ended with exit code ${code}`)),
    );
  });
}

function whatNext(socket: string): string {
  return `Try next:
  bin/tug run -it busybox sh                       a shell in a container of its own
  bin/tug run -d --name web -p 8080:80 busybox httpd -f -h /etc
  bin/tug ps; bin/tug logs web; bin/tug rm -f web
  DOCKER_HOST=unix://${socket} docker ps   any Docker client works as well
  npm stop                                         ends tugd; its containers run on`;
}
