import path from 'node:path';
import { type FileBudget, type KeptFile, keepFile } from '../kept-file.ts';
import type { CgroupSampler } from './contract.ts';
import type { CgroupHierarchies } from './detect.ts';
import { parseV1, parseV2, v1Files, v2Files } from './parse-stats.ts';

/** Measures a group (`group` is its path below the mounts) with files that stay open as far as the budget goes. */
export function openSampler(hierarchies: CgroupHierarchies, group: string, budget: FileBudget): CgroupSampler {
  const files = new Map<string, KeptFile>();
  for (const [mount, name] of filesOf(hierarchies)) files.set(name, keepFile(path.join(mount, group, name), budget));
  const parse = hierarchies.mode === 'v2' ? parseV2 : parseV1;
  return {
    sample() {
      let found = 0;
      const stats = parse((name) => {
        const text = files.get(name)?.read();
        if (text !== undefined) found += 1;
        return text;
      });
      return found === 0 ? undefined : stats;
    },
    [Symbol.dispose]() {
      for (const file of files.values()) file[Symbol.dispose]();
    },
  };
}

function filesOf({ mode, unified, v1 }: CgroupHierarchies): [mount: string, name: string][] {
  if (mode === 'v2') return unified === undefined ? [] : v2Files.map((name) => [unified, name]);
  return Object.entries(v1Files).flatMap(([controller, names]) => {
    const mount = v1.get(controller);
    return mount === undefined ? [] : names.map((name): [string, string] => [mount, name]);
  });
}
