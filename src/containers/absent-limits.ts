import type { HostConfig } from '../api/types/container.ts';
import type { CgroupMode } from '../host/cgroup/contract.ts';

/**
 * A wish without the limits that control groups v2 do not have, and Docker's sentence for each that was left out. A
 * runtime refuses to start a container with one of them.
 */
export function withoutAbsentLimits(
  host: HostConfig,
  mode: CgroupMode,
): { readonly host: HostConfig; readonly warnings: readonly string[] } {
  if (mode !== 'v2') return { host, warnings: [] };
  const { MemorySwappiness: swappiness, OomKillDisable: endless, ...rest } = host;
  const warnings: string[] = [];
  if (swappiness !== undefined && swappiness !== -1)
    warnings.push(
      'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
    );
  if (endless) warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
  return { host: rest, warnings };
}
