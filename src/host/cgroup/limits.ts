import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LiftedLimit, OptionalLimit } from './contract.ts';
import type { CgroupHierarchies } from './detect.ts';

/** What says "no limit", in v1 and in v2: the controller, its file, the word. */
const unlimited = {
  'cpu-quota': { controller: 'cpu', v1: ['cpu.cfs_quota_us', '-1'], v2: ['cpu.max', 'max'] },
  pids: { controller: 'pids', v1: ['pids.max', 'max'], v2: ['pids.max', 'max'] },
} as const satisfies Record<LiftedLimit, object>;

/** Takes limits of a group away. A controller that the host does not have limits nothing. @throws ENOENT when the group is gone. */
export function liftLimits(
  { mode, unified, v1 }: CgroupHierarchies,
  group: string,
  limits: readonly LiftedLimit[],
): void {
  for (const limit of limits) {
    const { controller, ...files } = unlimited[limit];
    const mount = mode === 'v2' ? unified : v1.get(controller);
    const [file, word] = mode === 'v2' ? files.v2 : files.v1;
    if (mount !== undefined) writeFileSync(path.join(mount, group, file), word, { flag: 'r+' });
  }
}

/** Limits whose controllers are there. Weights of block I/O need a scheduler that has them; the root of v1 hierarchies has their files, that of v2 has none. */
export function availableLimits(hierarchies: CgroupHierarchies): ReadonlySet<OptionalLimit> {
  const { v1, unified } = hierarchies;
  const controllers = unified === undefined ? [] : readControllers(unified);
  const whole = (['net_cls', 'net_prio', 'hugetlb'] as const).filter(
    (controller) => v1.has(controller) || controllers.includes(controller),
  );
  return new Set([...whole, ...(hasWeights(hierarchies) ? ['blkio-weight' as const] : [])]);
}

function readControllers(unified: string): string[] {
  const file = path.join(unified, 'cgroup.controllers');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ') : [];
}

function hasWeights({ mode, unified, v1 }: CgroupHierarchies): boolean {
  const blkio = v1.get('blkio');
  const files =
    mode === 'v2'
      ? ['system.slice', 'init.scope', ''].flatMap((group) =>
          ['io.weight', 'io.bfq.weight'].map((file) => path.join(unified ?? '', group, file)),
        )
      : ['blkio.weight', 'blkio.bfq.weight'].map((file) => path.join(blkio ?? '', file));
  return files.some((file) => existsSync(file));
}
