import { spawn } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { compareSnapshots, type Difference, formatDifferences, type Snapshot, takeSnapshot } from './helpers/leaks.ts';
import { adoptOrphans, killDescendants, settleProcesses } from './helpers/leaks-processes.ts';
import { sweepLeftovers } from './helpers/leaks-sweep.ts';
import { prepareMachine } from './helpers/prepare-machine.ts';
import type { Totals } from './helpers/totals-reporter.ts';

// npm test, after scripts/test.mjs has made sure of packages and npm modules. With file names as arguments it runs
// those test files alone. Each check counts as one in the totals, which are the last line.

const projectRoot = path.resolve(import.meta.dirname, '..');
const testFiles = ['src/**/*.test.ts', 'scripts/**/*.test.{ts,mjs}', 'test/**/*.test.ts'];
/** Milliseconds that one file of tests may take, on a slow machine too: those that crash engines take minutes. */
const fileTimeout = 3_600_000;
/** Milliseconds that the last processes have to end by themselves, and the kernel to take away what was theirs. */
const settleTime = 60_000;

const ownChildren = new Set<number>();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
process.umask(0o022); // what tests make has the modes that they expect
process.exitCode = await main(process.argv.slice(2));

async function main(chosen: readonly string[]): Promise<number> {
  using orphans = adoptOrphans(ownChildren);
  const [before, undo] = prepare();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-'));
  chmodSync(folder, 0o711); // remapped containers pass through it
  const totals: Totals[] = [];
  try {
    if (chosen.length === 0) totals.push(...(await runChecks()));
    totals.push(await runTests(chosen.length > 0 ? chosen : testFiles, folder));
  } finally {
    await (interrupted.signal.aborted ? takeAway(folder, orphans) : settleProcesses(settleTime));
    totals.push(await compareMachine(before, folder, orphans));
    undo();
  }
  const sum = (key: keyof Totals): number => totals.reduce((total, each) => total + each[key], 0);
  if (interrupted.signal.aborted) console.log('Interrupted: not everything was run.');
  console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  return sum('failed') === 0 && !interrupted.signal.aborted ? 0 : 1;
}

/** Brings the machine into the state the tests start from; what that changed is named, and is no leak. */
function prepare(): [Snapshot, () => void] {
  const found = takeSnapshot();
  const undo = prepareMachine();
  const prepared = takeSnapshot();
  const changes = compareSnapshots(found, prepared);
  if (changes.length > 0) console.log(`Set-up changed on this machine:\n${formatDifferences(changes)}`);
  return [prepared, undo];
}

async function runChecks(): Promise<Totals[]> {
  const outcomes: Totals[] = [];
  for (const [name, ...command] of [
    ['format and lint', 'node_modules/.bin/biome', 'check', '.'],
    ['types', 'node_modules/.bin/tsc', '-p', '.'],
    ['compiling the command line', process.execPath, 'scripts/build-cli.ts'],
  ] as const) {
    const code = await runStep(command[0], command.slice(1));
    console.log(`${code === 0 ? '✔' : '✖'} ${name}`);
    outcomes.push(one(code === 0));
  }
  return outcomes;
}

/**
 * Runs the files with two at a time; their temporary files lie in a folder of this run, so none can be overlooked. What
 * Node has compiled once is kept for the next of them: half of what a short one costs.
 */
async function runTests(patterns: readonly string[], folder: string): Promise<Totals> {
  const totalsFile = path.join(folder, 'totals');
  const files = [...new Set(patterns.flatMap((pattern) => globSync(pattern, { cwd: projectRoot })))].sort();
  const code = await runStep(
    process.execPath,
    [
      ...['--test', '--test-concurrency=2', `--test-timeout=${fileTimeout}`],
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=./test/helpers/totals-reporter.ts', `--test-reporter-destination=${totalsFile}`],
      ...files,
    ],
    // programs speak English, and no shell warns of a locale that this machine has not got, nor of another time of day
    { TMPDIR: folder, LC_ALL: 'C', TZ: 'UTC', NODE_COMPILE_CACHE: path.join(projectRoot, 'node_modules/.cache/tests') },
  );
  const totals = readTotals(totalsFile);
  rmSync(totalsFile, { force: true });
  // a runner that failed without a failed test (a file that does not load, a crash) must not look green
  return code !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
}

function readTotals(file: string): Totals {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Totals;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** What is not as before, once the kernel has had time: it takes links of namespaces and loop devices away in the background. */
async function differences(before: Snapshot): Promise<Difference[]> {
  for (const end = performance.now() + settleTime; ; ) {
    const changes = compareSnapshots(before, takeSnapshot());
    if (changes.length === 0 || performance.now() > end || interrupted.signal.aborted) return changes;
    await setTimeout(250);
  }
}

/** What the tests have made. Of those that were cut off nobody else does: their engines are told nothing. */
async function takeAway(folder: string, orphans: Disposable): Promise<void> {
  await killDescendants(settleTime);
  orphans[Symbol.dispose](); // the programs that sweep are waited for by Node, and not to be reaped before
  await sweepLeftovers(folder);
}

/** The run's folder counts too: it goes when it is empty, and is named with what is in it when not. */
async function compareMachine(before: Snapshot, folder: string, orphans: Disposable): Promise<Totals> {
  const left = existsSync(folder) ? readdirSync(folder) : [];
  if (left.length === 0) rmSync(folder, { recursive: true, force: true });
  const changes = await differences(before);
  if (changes.length === 0) {
    console.log('✔ the machine is as it was before');
    return one(true);
  }
  console.log(`✖ the machine is not as it was before:\n${formatDifferences(changes)}`);
  if (left.length > 0) console.log(`  in ${folder}: ${left.join(', ')}\n`);
  await takeAway(folder, orphans);
  return one(false);
}

/** Runs a program with its output shown; 130 when the run was interrupted. */
function runStep(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  if (interrupted.signal.aborted) return Promise.resolve(130);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: projectRoot, stdio: 'inherit', env: { ...process.env, ...env } });
    if (child.pid !== undefined) ownChildren.add(child.pid);
    const stop = (): boolean => child.kill('SIGTERM');
    interrupted.signal.addEventListener('abort', stop);
    child.on('error', reject);
    child.on('close', (code) => {
      interrupted.signal.removeEventListener('abort', stop);
      resolve(code ?? 130);
    });
  });
}

function one(passed: boolean): Totals {
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}
