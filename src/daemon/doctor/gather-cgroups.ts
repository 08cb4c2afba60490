import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { listMounts } from '../../host/mount.ts';
import type { CgroupFacts } from './facts.ts';

/** Reads the mounts and /proc/cgroups (cgroups(7)). */
export function gatherCgroupFacts(): CgroupFacts {
  const mounts = listMounts();
  const v1 = mounts.filter(({ type }) => type === 'cgroup').flatMap(({ superOptions }) => superOptions.split(','));
  const v2 = mounts.find(({ type }) => type === 'cgroup2')?.target;
  const unified = v2 === undefined ? [] : wordsIn(path.join(v2, 'cgroup.controllers'));
  const inKernel = parseControllers(readFileSync('/proc/cgroups', 'utf8'));
  const hasV1 = inKernel.some((controller) => v1.includes(controller));
  return {
    mode: hasV1 ? (v2 === undefined ? 'v1' : 'hybrid') : v2 === undefined ? undefined : 'v2',
    unified,
    unmounted: inKernel.filter((controller) => !v1.includes(controller)),
    usable: [...new Set([...unified, ...inKernel.filter((controller) => v1.includes(controller))])],
  };
}

/** The controllers that are switched on, from the table of /proc/cgroups: name, hierarchy, groups, enabled. */
export function parseControllers(table: string): string[] {
  return table
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([name, , , enabled]) => name !== undefined && !name.startsWith('#') && enabled === '1')
    .map(([name = '']) => name);
}

function wordsIn(file: string): string[] {
  return readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);
}
