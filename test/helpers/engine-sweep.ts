import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { run } from '../../src/base/process.ts';
import { libc } from '../../src/host/ffi.ts';
import { listMounts, parseMountInfo, unmount } from '../../src/host/mount.ts';
import { callApi } from './engine-api.ts';

/** Removes all containers of a running engine, killing those that run. */
export async function removeContainers(socket: string): Promise<void> {
  const containers = (await callApi(socket, 'GET', '/containers/json?all=1')).json<{ Id: string }[]>();
  await Promise.all(containers.map(({ Id }) => callApi(socket, 'DELETE', `/containers/${Id}?force=1&v=1`)));
}

/**
 * Takes away whatever is left of an engine that has ended, however it ended: monitors and container processes,
 * mounts, its bridge and the folder itself. Idempotent.
 */
export async function sweepEngine(engine: { root: string; bridge: string }): Promise<void> {
  for (const pid of processesOf(engine.root)) libc('int kill(int, int)')(pid, constants.signals.SIGKILL);
  const targets = listMounts(engine.root).map(({ target }) => target);
  for (const target of targets.reverse()) unmount(target, { detach: true });
  await removeNetwork(engine.bridge);
  rmSync(engine.root, { recursive: true, force: true });
}

/** The bridge carries, as its alias, the name of the engine's firewall table. */
async function removeNetwork(bridge: string): Promise<void> {
  const alias = `/sys/class/net/${bridge}/ifalias`;
  if (!existsSync(alias)) return;
  const table = readFileSync(alias, 'utf8').trim();
  if (table !== '') await run('nft', ['delete', 'table', 'ip', table]);
  await run('ip', ['link', 'delete', bridge]);
}

/** Monitors say the root in their arguments; a container's process has its own root file system mounted from below it. */
function processesOf(root: string): number[] {
  const own = readlinkSync('/proc/self/ns/mnt');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${root}/`)) return true;
        if (readlinkSync(`/proc/${pid}/ns/mnt`) === own) return false;
        const mounts = parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
        return mounts.some(({ target, superOptions }) => target === '/' && superOptions.includes(`${root}/`));
      } catch {
        return false; // ended in the meantime
      }
    })
    .map(Number);
}
