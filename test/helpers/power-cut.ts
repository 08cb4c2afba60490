import { rmSync } from 'node:fs';
import * as path from 'node:path';
import { errnoOf } from '../../src/base/errors.ts';
import { listMounts, unmount } from '../../src/host/mount.ts';
import { watchExit } from '../../src/host/process-watch.ts';
import { findMonitors } from '../../src/runtime/monitor/drivers/conmon/find.ts';
import type { TestEngine } from './engine.ts';

/**
 * What a power cut leaves of an engine: it is gone at once, its containers and their monitors are, and everything that
 * lay in memory is. `engine.restart()` is the next boot.
 */
export async function cutPower(engine: TestEngine): Promise<void> {
  const listed = (await engine.api('GET', '/containers/json')).json<{ Id: string }[]>();
  const states = await Promise.all(listed.map(({ Id }) => engine.api('GET', `/containers/${Id}/json`)));
  const pids = states.map((answer) => answer.json<{ State: { Pid: number } }>().State.Pid).filter((pid) => pid > 0);
  await engine.kill();
  const monitors = await findMonitors(path.join(engine.execRoot, 'containers'));
  const doomed = [...monitors.map(({ pid }) => pid), ...pids];
  for (const pid of doomed) killIfThere(pid);
  await Promise.all(doomed.map((pid) => watchExit(pid).exited));
  for (const { target } of listMounts(engine.execRoot).reverse()) unmount(target, { detach: true });
  rmSync(engine.execRoot, { recursive: true, force: true });
}

/** A probe's monitor may have ended since it was found. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
