import { mkdirSync, readFileSync } from 'node:fs';
import { mount, mountFlags, parseMountInfo } from '../mount.ts';
import type { CgroupMode } from './contract.ts';

/** Where the host's control group hierarchies lie. */
export interface CgroupHierarchies {
  readonly mode: CgroupMode;
  /** Mount points of v1 hierarchies by controller (`memory`, `cpuacct`) or name (`name=systemd`). */
  readonly v1: ReadonlyMap<string, string>;
  /** Mount point of the v2 hierarchy, if one is mounted. */
  readonly unified: string | undefined;
  /** Controllers that the kernel has enabled and no v1 hierarchy carries; empty on a v2 host. */
  readonly missing: readonly string[];
}

/** What is mounted now. Reads /proc. */
export function readCgroups(): CgroupHierarchies {
  return detectCgroups(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/cgroups', 'utf8'));
}

/**
 * The host's shape from /proc/self/mountinfo and /proc/cgroups (cgroups(7)). `v2` means that /sys/fs/cgroup itself,
 * or the only hierarchy there is, is v2; `hybrid` that v1 hierarchies carry the controllers beside a v2 one.
 */
export function detectCgroups(mountInfo: string, procCgroups: string): CgroupHierarchies {
  const enabled = enabledControllers(procCgroups);
  const v1 = new Map<string, string>();
  let unified: string | undefined;
  for (const { type, target, superOptions } of parseMountInfo(mountInfo)) {
    if (type === 'cgroup2' && (unified === undefined || target === '/sys/fs/cgroup')) unified = target;
    if (type !== 'cgroup') continue;
    for (const option of superOptions.split(',')) {
      if ((enabled.has(option) || option.startsWith('name=')) && !v1.has(option)) v1.set(option, target);
    }
  }
  const carried = [...v1.keys()].some((name) => !name.startsWith('name='));
  const mode = carried ? (unified === undefined ? 'v1' : 'hybrid') : unified === undefined ? 'v1' : 'v2';
  const missing = mode === 'v2' ? [] : [...enabled].filter((name) => !v1.has(name));
  return { mode, v1, unified, missing };
}

/** Lines are `name hierarchy groups enabled`. `debug` is no controller anybody wants. */
function enabledControllers(procCgroups: string): Set<string> {
  const names = new Set<string>();
  for (const line of procCgroups.split('\n')) {
    const [name = '', , , enabled] = line.split(/\s+/);
    if (enabled === '1' && !name.startsWith('#') && name !== 'debug') names.add(name);
  }
  return names;
}

/**
 * Mounts the v1 hierarchies that are missing, below /sys/fs/cgroup, as `cgroupfs-mount` does: crun refuses to
 * run on a hybrid host while the v2 hierarchy still holds one of their controllers.
 * @returns the names that it mounted, and those that it could not, with the reason. Nothing on a v2 host. Idempotent.
 */
export function mountMissing(hierarchies: CgroupHierarchies): {
  mounted: string[];
  failed: { name: string; error: unknown }[];
} {
  const mounted: string[] = [];
  const failed: { name: string; error: unknown }[] = [];
  for (const name of hierarchies.missing) {
    try {
      const target = `/sys/fs/cgroup/${name}`;
      mkdirSync(target, { recursive: true });
      mount('cgroup', target, 'cgroup', mountFlags.noSuid | mountFlags.noDev | mountFlags.noExec, name);
      mounted.push(name);
    } catch (error) {
      failed.push({ name, error });
    }
  }
  return { mounted, failed };
}
