import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { CrashPoint } from '../../src/base/crash-points.ts';
import type { TestEngine } from '../helpers/engine.ts';
import { disagreements } from './invariants.ts';
import { checkEcho, checkSteady, pidOf } from './steady.ts';
import { type Stage, workloads } from './workloads.ts';

/** A point that no code passes would let its test wait for ever. */
const PASSING_LIMIT = 600_000;

/**
 * Kills the engine at a crash point while its workload runs, starts it again and checks that nothing is lost,
 * nothing is left, and a new container runs at once. The point is told to the engine that runs, or to one that is
 * started for it, which takes longer: some points are passed by the recovery itself.
 */
export async function crashAt(stage: Stage, point: CrashPoint, told: 'running' | 'started'): Promise<void> {
  const { engine } = stage;
  const steadyPid = await pidOf(engine, 'steady');
  if (told === 'running') await writeFile(stage.crashFile, point);
  if (told === 'running' || (await startsWith(stage, point))) await dieWorking(stage, point);
  await engine.restart();
  await checkAfterCrash(stage, steadyPid, point);
}

/** Starts the engine so that it dies at the point. False when it did at once. */
async function startsWith({ engine }: Stage, point: CrashPoint): Promise<boolean> {
  try {
    await engine.restart({ TUG_CRASH_AT: point });
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.includes('tugd ended with SIGKILL')) return false;
    throw error;
  }
}

async function dieWorking(stage: Stage, point: CrashPoint): Promise<void> {
  const { engine } = stage;
  const { ended } = engine;
  const work = workloads[point](stage).catch(() => {}); // it is cut off
  const timer = AbortSignal.timeout(PASSING_LIMIT);
  const late = new Promise<never>((_, reject) => {
    timer.addEventListener('abort', () => reject(new Error(`nothing passed the crash point ${point}`)));
  });
  const { signal } = await Promise.race([ended, late]);
  assert.equal(
    signal,
    'SIGKILL',
    `the engine ended in another way than by ${point}; its log:\n${engine.log().slice(-2000)}`,
  );
  await work;
}

/** What must hold after any crash. */
export async function checkAfterCrash(stage: Stage, steadyPid: number, what: string): Promise<void> {
  const { engine } = stage;
  await checkSteady(engine, steadyPid);
  await checkEcho(engine, `after-${what}-${process.hrtime.bigint()}`);
  const ran = await engine.docker(['run', '--rm', 'busybox', 'sh', '-c', 'echo works; exit 7']);
  assert.deepEqual({ code: ran.code, stdout: ran.stdout }, { code: 7, stdout: 'works\n' }, `${what}: ${ran.stderr}`);
  await checkExitCodes(stage);
  const wrong = await disagreements(engine);
  assert.deepEqual(wrong, [], `after a crash at ${what}; the engine's log:\n${engine.log().slice(-3000)}`);
}

/** Whatever a workload left behind ended as it was told to, and can be removed. */
async function checkExitCodes({ engine }: Stage): Promise<void> {
  const listed = (await engine.api('GET', '/containers/json?all=1')).json<
    { Id: string; Names: string[]; State: string }[]
  >();
  for (const { Id, Names, State } of listed) {
    if (Names.some((name) => ['/steady', '/echo'].includes(name))) continue;
    if (State === 'running') await letEnd(engine, Id);
    const inspected = await engine.api('GET', `/containers/${Id}/json`);
    if (inspected.status === 404) continue; // run with --rm, and just removed
    const { State: state } = inspected.json<{
      State: { Status: string; ExitCode: number; Error: string; StartedAt: string };
    }>();
    const began = !state.StartedAt.startsWith('0001');
    if (state.Status === 'exited' && began && state.Error === '')
      assert.ok([0, 3, 137].includes(state.ExitCode), JSON.stringify(state));
    const removed = await engine.api('DELETE', `/containers/${Id}?force=1`);
    assert.ok([204, 404].includes(removed.status), removed.text);
  }
}

/**
 * Waits for a container's end. One that reads its input lost its client with the engine, and its stdin is open
 * still, as it should be: another client attaches and ends the input.
 */
async function letEnd(engine: TestEngine, id: string): Promise<void> {
  const inspected = await engine.api('GET', `/containers/${id}/json`);
  if (inspected.status === 404) return;
  const { Config } = inspected.json<{ Config: { OpenStdin: boolean } }>();
  if (Config.OpenStdin) await engine.docker(['attach', id], { input: '', timeout: 300_000 });
  await engine.api('POST', `/containers/${id}/wait`);
}
