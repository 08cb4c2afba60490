import { runChecked } from '../src/base/process.ts';
import { childrenOf } from '../src/host/process-tree.ts';
import type { Engine } from './engines.ts';

/**
 * Does all of these in turn, also when one fails, and tells what failed. Throws nothing: what ended the run before is
 * what is to be told of it. Resolves with whether all was done.
 */
export async function tidyUp(steps: Readonly<Record<string, () => unknown>>): Promise<boolean> {
  let done = true;
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
    } catch (error) {
      done = false;
      const [first = ''] = String(error instanceof Error ? error.message : error).split('\n');
      console.error(`While tidying up (${name}): ${first}`);
    }
  }
  return done;
}

/** Ends what this process has started, and what that has started, but for the processes of `kept` and theirs. */
export function endChildren(kept: ReadonlySet<number>, parent = process.pid): void {
  for (const child of childrenOf(parent)) {
    if (kept.has(child)) continue;
    endChildren(kept, child);
    try {
      process.kill(child);
    } catch {
      // it has ended
    }
  }
}

/** Removes all containers of an engine, those too that a scenario left that was cut off. */
export async function removeContainers(engine: Engine): Promise<void> {
  const [file = '', ...before] = engine.dockerClient ? ['docker'] : engine.cli;
  const cli = (args: readonly string[]) => runChecked(file, [...before, ...args], { env: engine.env });
  const ids = (await cli(['ps', '-aq'])).split('\n').filter(Boolean);
  for (let at = 0; at < ids.length; at += 50) await cli(['rm', '-f', ...ids.slice(at, at + 50)]);
}
