import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { MemoryUse } from './contract.ts';
import type { CgroupHierarchies } from './detect.ts';

/** A v1 group without a limit has the largest number of pages there is. */
const unlimited = 2 ** 62;

/** What a group used of memory at most, in three reads; undefined when the group, or the controller, is not there. */
export function readMemory({ mode, v1, unified }: CgroupHierarchies, group: string): MemoryUse | undefined {
  const mount = mode === 'v2' ? unified : v1.get('memory');
  if (mount === undefined) return undefined;
  const [limit, peak, events] =
    mode === 'v2'
      ? ['memory.max', 'memory.peak', 'memory.events']
      : ['memory.limit_in_bytes', 'memory.max_usage_in_bytes', 'memory.oom_control'];
  const text = (name: string): string | undefined => readText(path.join(mount, group, name));
  const most = text(limit);
  if (most === undefined) return undefined;
  const bytes = Number(most);
  return {
    limit: Number.isFinite(bytes) && bytes < unlimited ? bytes : 0,
    peak: Number(text(peak) ?? 0),
    oomKills: Number(/^oom_kill (\d+)$/m.exec(text(events) ?? '')?.[1] ?? 0),
  };
}

/** For a record only: a file that cannot be read is one that says nothing. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
