import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { type CgroupHierarchies, readCgroups } from '../../host/cgroup/detect.ts';
import type { CgroupFacts } from './facts.ts';

/** The host's hierarchies as they are mounted, and the controllers that the v2 one has. */
export function gatherCgroupFacts(hierarchies: CgroupHierarchies = readCgroups()): CgroupFacts {
  const { mode, v1, unified, missing } = hierarchies;
  const held = unified === undefined ? [] : wordsIn(path.join(unified, 'cgroup.controllers'));
  const carried = [...v1.keys()].filter((name) => !name.startsWith('name='));
  return {
    mode: carried.length === 0 && unified === undefined ? undefined : mode,
    unified: held,
    unmounted: missing,
    usable: [...new Set([...held, ...carried])],
  };
}

function wordsIn(file: string): string[] {
  return readFileSync(file, 'utf8').split(/\s+/).filter(Boolean);
}
