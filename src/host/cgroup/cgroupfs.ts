import { existsSync } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, invalid } from '../../base/errors.ts';
import { createFileBudget } from '../kept-file.ts';
import { watchExit } from '../process-watch.ts';
import type { CgroupDriver } from './contract.ts';
import type { CgroupHierarchies } from './detect.ts';
import { watchKills } from './kill-watch.ts';
import { availableLimits, liftLimits } from './limits.ts';
import { readMemory } from './memory.ts';
import { openSampler } from './sampler.ts';

export interface CgroupfsOptions {
  readonly hierarchies: CgroupHierarchies;
  /** Two engines on one host never share a parent group. */
  readonly engineId: string;
  /** Instead of `/tug-ID`: the daemon's `--cgroup-parent`. */
  readonly parent?: string;
}

/** Files of samplers that are kept open at once: what 250 containers have. */
const mostKeptFiles = 4000;

/** The group that an engine's containers lie in unless they, or its configuration, name another. */
const parentOf = ({ parent, engineId }: CgroupfsOptions): string =>
  checkedPath(parent ?? `/tug-${engineId.replace(/[^\w.-]/g, '').slice(0, 12)}`);

const mountsOf = ({ v1, unified }: CgroupHierarchies): string[] => [
  ...new Set([...v1.values(), ...(unified === undefined ? [] : [unified])]),
];

/** With what a driver needs that has others make the groups. Groups are paths below the mount points here. */
export interface CgroupfsDriver extends CgroupDriver {
  /** Ends all processes of a group. Idempotent. */
  empty(group: string): Promise<void>;
  exists(group: string): boolean;
  /** The groups that lie in one. */
  below(group: string): Promise<string[]>;
}

/** Control groups as directories, which the runtime makes and this reads and removes. */
export function createCgroupfs(options: CgroupfsOptions): CgroupfsDriver {
  const { hierarchies } = options;
  const parent = parentOf(options);
  const mounts = mountsOf(hierarchies);
  const budget = createFileBudget(mostKeptFiles);
  const empty = async (group: string): Promise<void> => {
    await thaw(hierarchies, checkedPath(group));
    await killAll(mounts, checkedPath(group));
  };
  return {
    name: 'cgroupfs',
    mode: hierarchies.mode,
    pathFor: (id, own) => path.join(own === undefined ? parent : checkedPath(own), id),
    sampler: (group) => openSampler(hierarchies, checkedPath(group), budget),
    memory: (group) => readMemory(hierarchies, checkedPath(group)),
    watchKills: (group) => watchKills(hierarchies, checkedPath(group)),
    limits: availableLimits(hierarchies),
    lift: async (group, limits) => liftLimits(hierarchies, checkedPath(group), limits),
    processes: (group) => processesOf(mounts, checkedPath(group)),
    async remove(group) {
      const folders = mounts.map((mount) => path.join(mount, checkedPath(group)));
      if (!(await removeAll(folders))) {
        await empty(group);
        await removeAll(folders, { strictly: true });
      }
    },
    list: () => groupsBelow(mounts, parent),
    empty,
    exists: (group) => mounts.some((mount) => existsSync(path.join(mount, checkedPath(group)))),
    below: (group) => groupsBelow(mounts, checkedPath(group)),
  };
}

/** Removes an engine's parent group where nothing is left in it: the last thing an engine does that ends for good. Idempotent. */
export async function removeEmptyParent(options: CgroupfsOptions): Promise<void> {
  await removeAll(mountsOf(options.hierarchies).map((mount) => path.join(mount, parentOf(options))));
}

/** @throws invalid for a path that leads out of the hierarchy, names its root, or is longer than paths can be. */
function checkedPath(group: string): string {
  const clean = path.posix.normalize(`/${group}`);
  const parts = group.split('/');
  const tooLong = Buffer.byteLength(group) > 2048 || parts.some((part) => Buffer.byteLength(part) > 255);
  if (clean === '/' || parts.includes('..') || group.includes('\0') || tooLong)
    throw invalid(`invalid cgroup path: ${JSON.stringify(group.slice(0, 100))}`);
  return clean;
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** ENODEV is what reading a file of a group says that was removed meanwhile. */
const isGone = (error: unknown): boolean => ['ENOENT', 'ENODEV', 'ENOTDIR'].includes(errnoOf(error) ?? '');

/** Process ids in the group and in those below, over all hierarchies: a process may have left some of them. */
async function processesOf(mounts: readonly string[], group: string): Promise<number[]> {
  const found = new Set<number>();
  const visit = async (folder: string): Promise<void> => {
    const text = await textOf(path.join(folder, 'cgroup.procs'));
    for (const line of (text ?? '').split('\n')) if (line !== '' && line !== '0') found.add(Number(line));
    await Promise.all((await foldersIn(folder)).map(visit));
  };
  await Promise.all(mounts.map((mount) => visit(path.join(mount, group))));
  return [...found].sort((a, b) => a - b);
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(folder, entry.name));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** A frozen process of a v1 group does not die before it is thawed. */
async function thaw(hierarchies: CgroupHierarchies, group: string): Promise<void> {
  const freezer = hierarchies.v1.get('freezer');
  if (freezer === undefined) return;
  try {
    await writeFile(path.join(freezer, group, 'freezer.state'), 'THAWED');
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Kills what is in the group until nothing is, each time waiting for the ends of those killed. */
async function killAll(mounts: readonly string[], group: string): Promise<void> {
  for (;;) {
    const pids = (await processesOf(mounts, group)).filter((pid) => pid !== process.pid);
    if (pids.length === 0) return;
    const watches = pids.map(watchExit);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
    }
    await Promise.all(watches.map(({ exited }) => exited));
  }
}

/** False when one of them still has processes; with `strictly` that throws. */
async function removeAll(folders: readonly string[], options: { strictly?: boolean } = {}): Promise<boolean> {
  const results = await Promise.all(folders.map((folder) => removeTree(folder, options.strictly ?? false)));
  return results.every(Boolean);
}

async function removeTree(folder: string, strictly: boolean): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (isGone(error)) return true;
    if (errnoOf(error) !== 'EBUSY') throw error;
    const below = await foldersIn(folder);
    if (below.length > 0) {
      const removed = await Promise.all(below.map((child) => removeTree(child, strictly)));
      return removed.every(Boolean) && (await removeTree(folder, strictly));
    }
    if (strictly) throw error;
    return false;
  }
}

async function groupsBelow(mounts: readonly string[], parent: string): Promise<string[]> {
  const found = new Set<string>();
  for (const mount of mounts)
    for (const folder of await foldersIn(path.join(mount, parent))) found.add(path.join(parent, path.basename(folder)));
  return [...found].sort();
}
