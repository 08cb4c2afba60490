import { existsSync } from 'node:fs';
import path from 'node:path';
import { internal, invalid } from '../../base/errors.ts';
import { runProgram } from '../spawn.ts';
import { type CgroupfsOptions, createCgroupfs } from './cgroupfs.ts';
import type { CgroupDriver, LiftedLimit } from './contract.ts';

/** Whether systemd is what manages this host (sd_booted(3)). */
export const systemdRuns = (): boolean => existsSync('/run/systemd/system');

export interface SystemdOptions extends Omit<CgroupfsOptions, 'parent'> {
  /** The program's absolute path. */
  readonly systemctl: string;
}

/** What systemd calls a limit that is lifted (systemd.resource-control(5)). */
const unlimited: Readonly<Record<LiftedLimit, string>> = { 'cpu-quota': 'CPUQuota=', pids: 'TasksMax=infinity' };

/** Longer than systemd takes to stop a scope in which nothing is left, on any machine. */
const LIMIT = 60_000;

/**
 * Control groups as systemd's scopes, for hosts where nobody but systemd may write in the tree: the runtime asks
 * systemd for them over D-Bus. A group's path is what the runtimes take, `SLICE:PREFIX:ID`, which lies as
 * `PREFIX-ID.scope` in its slice; the prefix names the engine, so that two of them share a slice.
 * What is read, is read where it lies; what is changed behind the runtime's back is told to systemd as well, which
 * would put the old value back at its next reload.
 */
export function createSystemdCgroups(options: SystemdOptions): CgroupDriver {
  const files = createCgroupfs(options);
  const systemctl = (...args: string[]) => runProgram(options.systemctl, args, { limit: LIMIT });
  const prefix = `tug-${options.engineId.replace(/[^\w.]/g, '').slice(0, 12)}`;
  const slice = 'system.slice';
  // crun keeps its limits from systemd in a group below the scope, in the hierarchy of v2; runc has systemd set them.
  const limited = (group: string): string => {
    const below = path.join(folderOf(group), 'container');
    return files.exists(below) ? below : folderOf(group);
  };
  return {
    ...files,
    name: 'systemd',
    pathFor: (id, own) => `${own === undefined ? slice : checkedSlice(own)}:${prefix}:${id}`,
    sampler: (group) => files.sampler(limited(group)),
    memory: (group) => files.memory(limited(group)),
    watchKills: () => undefined,
    async lift(group, limits) {
      await files.lift(limited(group), limits);
      const values = limits.map((limit) => unlimited[limit]);
      const { code, stderr } = await systemctl('set-property', '--runtime', unitOf(group), ...values);
      if (code !== 0) throw internal(`systemd refuses ${values.join(' ')} for ${unitOf(group)}: ${stderr.trim()}`);
    },
    processes: (group) => files.processes(folderOf(group)),
    async remove(group) {
      await files.empty(folderOf(group));
      // One that has ended is unloaded by systemd itself, in its own time, or kept where it ended badly: until then its name is taken.
      for (const command of ['stop', 'reset-failed']) {
        const { code, stderr } = await systemctl(command, unitOf(group));
        if (code !== 0 && !/not loaded/.test(stderr))
          throw internal(`systemctl ${command} ${unitOf(group)} failed: ${stderr.trim()}`);
      }
      await files.remove(folderOf(group));
    },
    async list() {
      const found = (await files.below(`/${slice}`)).map((folder) => path.basename(folder, '.scope'));
      return found
        .filter((name) => name.startsWith(`${prefix}-`))
        .map((name) => `${slice}:${prefix}:${name.slice(prefix.length + 1)}`);
    },
  };
}

/** @throws invalid in Docker's words. */
function checkedSlice(name: string): string {
  if (!/^[\w.:-]+\.slice$/.test(name) || name.includes('--') || name.startsWith('-'))
    throw invalid('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"');
  return name;
}

function unitOf(group: string): string {
  const [, prefix, id] = group.split(':');
  if (!prefix || !id) throw internal(`${group} is no control group of systemd`);
  return `${prefix}-${id}.scope`;
}

const folderOf = (group: string): string => path.join(expandSlice(group.split(':')[0] ?? ''), unitOf(group));

/** Where a slice lies: each dash of its name is a level of the tree (systemd.slice(5)): `/a.slice/a-b.slice`. */
export function expandSlice(slice: string): string {
  const parts = slice.replace(/\.slice$/, '').split('-');
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join('-')}.slice`).join('');
}
