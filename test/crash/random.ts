import type { TestEngine } from '../helpers/engine.ts';
import { checkAfterCrash } from './points.ts';
import { pidOf } from './steady.ts';
import { image, type Stage } from './workloads.ts';

/**
 * Kills the engine `times` times at random moments while containers start, print, read their stdin, are executed
 * in, exit, are restarted, checked and removed; all is looked at after each restart. `random` gives numbers in [0, 1).
 */
export async function crashAtRandom(stage: Stage, times: number, random: () => number): Promise<void> {
  const { engine } = stage;
  const steadyPid = await pidOf(engine, 'steady');
  for (let turn = 1; turn <= times; turn += 1) {
    const stop = new AbortController();
    const load = [busy(engine, stop.signal, random), busy(engine, stop.signal, random)];
    await new Promise((resolve) => setTimeout(resolve, random() * 250));
    stop.abort();
    await engine.kill('SIGKILL');
    await Promise.all(load);
    await engine.restart();
    await checkAfterCrash(stage, steadyPid, `random moment ${turn}`);
  }
}

const checked = ['--health-cmd', 'true', '--health-interval', '5ms'];

/** Does one thing after another until it is told to stop, or the engine is gone. */
async function busy(engine: TestEngine, signal: AbortSignal, random: () => number): Promise<void> {
  const work = [
    () => engine.docker(['run', '--rm', image, 'true']),
    () => engine.docker(['run', '--rm', '-i', image, 'cat'], { input: 'some input\n'.repeat(1000) }),
    () => engine.docker(['run', '--rm', '--network', 'none', image, 'seq', '1', '5000']),
    () => engine.docker(['run', '-d', image, 'sh', '-c', 'exit 3']),
    () => engine.docker(['exec', 'steady', 'true']),
    () => engine.docker(['run', '-d', '--restart', 'on-failure:2', image, 'sh', '-c', 'exit 3']),
    () => engine.docker(['run', '-d', ...checked, image, 'sh', '-c', 'sleep 0.1; exit 3']),
  ];
  while (!signal.aborted) {
    const next = work[Math.floor(random() * work.length)]!;
    if ((await next()).stderr.includes('Cannot connect')) return;
  }
}

/** A small seeded generator (mulberry32), so that a failing run can be repeated with its seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
