import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import * as path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { run } from '../../src/base/process.ts';
import { createCgroupfs } from '../../src/host/cgroup/cgroupfs.ts';
import { readCgroups } from '../../src/host/cgroup/detect.ts';
import { libc } from '../../src/host/ffi.ts';
import { listMounts, parseMountInfo, unmount } from '../../src/host/mount.ts';
import { engineNames } from '../../src/networks/engine-names.ts';
import { callApi } from './engine-api.ts';
import { listProcesses } from './leaks-processes.ts';

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
  const id = engineIdOf(engine.root);
  await killProcesses(engine.root);
  const targets = listMounts(engine.root).map(({ target }) => target);
  for (const target of targets.reverse()) unmount(target, { detach: true });
  await removeNetwork(engine.bridge, id);
  await killProcesses(engine.root); // what was just becoming another program said nothing of itself
  if (id !== undefined) await removeGroups(id);
  // a process that was killed may write its last while the folder is emptied
  rmSync(engine.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** The engine's id, after which its table and its control groups are named; undefined when it never came to have one. */
function engineIdOf(root: string): string | undefined {
  const file = path.join(root, 'data/state.db');
  if (!existsSync(file)) return undefined;
  const database = new DatabaseSync(file);
  try {
    return String(database.prepare("SELECT value FROM engine WHERE key = 'id'").get()?.['value']);
  } catch {
    return undefined; // killed before the table was made
  } finally {
    database.close();
  }
}

async function removeNetwork(bridge: string, id: string | undefined): Promise<void> {
  if (existsSync(`/sys/class/net/${bridge}`)) await run('ip', ['link', 'delete', bridge]);
  const own = id === undefined ? [] : [engineNames(id).table];
  for (const table of new Set([...own, ...(await tablesOf(bridge))])) {
    for (const family of ['inet', 'bridge']) await run('nft', ['delete', 'table', family, table]);
    for (const name of await linksOf(table)) await run('ip', ['link', 'delete', name]);
  }
}

/** The links of an engine's networks: its mark, which its table is named after too, begins what is written on them. */
async function linksOf(mark: string): Promise<string[]> {
  const { stdout } = await run('ip', ['-j', 'link', 'show']);
  const links = JSON.parse(stdout || '[]') as { ifname?: string; ifalias?: string }[];
  return links.flatMap(({ ifname, ifalias }) => (ifname && ifalias?.startsWith(mark) ? [ifname] : []));
}

/** The engines' tables that name a bridge: the state that tells the engine's id may be gone, or be on a disk that is. */
async function tablesOf(bridge: string): Promise<string[]> {
  const { stdout } = await run('nft', ['list', 'tables']);
  const tables = [...stdout.matchAll(/^table inet (tug-\S+)$/gm)].map(([, name = '']) => name);
  const listings = await Promise.all(tables.map((table) => run('nft', ['list', 'table', 'inet', table])));
  return tables.filter((_, at) => listings[at]?.stdout.includes(`"${bridge}"`));
}

async function removeGroups(id: string): Promise<void> {
  const cgroups = createCgroupfs({ hierarchies: readCgroups(), engineId: id });
  for (const group of await cgroups.list()) await cgroups.remove(group);
  await cgroups.remove(path.dirname(cgroups.pathFor('any', undefined)));
}

/** Kills what is an engine's, and what that starts meanwhile, until it is gone; at most ten seconds. */
async function killProcesses(root: string): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end; ) {
    const left = processesOf(root);
    if (left.length === 0) return;
    for (const pid of left) libc('int kill(int, int)')(pid, constants.signals.SIGKILL);
    await setTimeout(10);
  }
}

/** Monitors say the root in their arguments; a container's process has its own root file system mounted from below it. */
function processesOf(root: string): number[] {
  const own = readlinkSync('/proc/self/ns/mnt');
  return listProcesses()
    .filter(({ pid, state, command }) => {
      if (pid === process.pid || state === 'Z') return false;
      if (command.includes(`${root}/`)) return true;
      try {
        if (readlinkSync(`/proc/${pid}/ns/mnt`) === own) return false;
        const mounts = parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
        return mounts.some(({ target, superOptions }) => target === '/' && superOptions.includes(`${root}/`));
      } catch {
        return false; // ended in the meantime
      }
    })
    .map(({ pid }) => pid);
}
