import { readdirSync, readFileSync } from 'node:fs';
import { runChecked } from '../src/base/process.ts';
import { childrenOf, killTree } from '../src/host/process-tree.ts';
import type { Engine } from './engines.ts';
import { removal } from './steps.ts';

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

/**
 * Removes all containers of an engine, those too that a scenario left that was cut off. Its clients run in sessions of
 * their own, so that another Ctrl-C does not end them.
 */
export async function removeContainers(engine: Engine): Promise<void> {
  const before = engine.dockerClient ? ['docker'] : engine.cli;
  const cli = (args: readonly string[]) => runChecked('setsid', ['--wait', ...before, ...args], { env: engine.env });
  const ids = (await cli(['ps', '-aq'])).split('\n').filter(Boolean);
  for (let at = 0; at < ids.length; at += 50) await cli([...removal(engine), ...ids.slice(at, at + 50)]);
}

/** Kills what an engine left that was killed itself: the monitors that name a folder of this run, and their containers. */
export function endMonitors(name: string): void {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (Number(pid) !== process.pid && commandOf(pid).includes(name)) killTree(Number(pid));
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return ''; // it has ended
  }
}
