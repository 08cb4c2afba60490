import { readFileSync, readlinkSync } from 'node:fs';
import * as path from 'node:path';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import type { OciSpec } from '../../src/runtime/spec/types.ts';
import type { TestEngine } from './engine.ts';
import { groupFile } from './group-file.ts';

/** What can be seen of a container that runs, from its host and from inside. */
export interface Observed {
  readonly inspect: ContainerInspect;
  /** The OCI configuration that the runtime was given. */
  readonly spec: OciSpec;
  /** A file of its control group; see groupFile. */
  group(controller: string, ...names: readonly [v1: string, v2: string]): string;
  /** A file below /proc/PID. */
  proc(file: string): string;
  /** A field of /proc/PID/status. */
  status(field: string): string;
  /** Where a link below /proc/PID leads. */
  link(file: string): string;
  /** A file as a process of the container sees it. */
  inside(file: string): string;
  /** The command line of the container's monitor, its parent; words end with NUL. */
  readonly monitor: string;
  /** The options of the mount at a path in the container: those of the mount, then of its file system. */
  mount(target: string): string;
}

/**
 * How the effect of a flag is seen. In a container of several flags, and then not so in one without any; in what a
 * command says; or in another test, `FILE: NAME`.
 */
export type FlagRow =
  | {
      readonly flag: string;
      readonly args: readonly string[];
      readonly saw: (container: Observed) => unknown;
      readonly is: unknown;
    }
  | { readonly flag: string; readonly args: readonly string[]; readonly says: RegExp }
  | { readonly flag: string; readonly test: string };

export type SeenRow = Extract<FlagRow, { saw: unknown }>;
export type SaidRow = Extract<FlagRow, { says: unknown }>;

/** Looks at a running container. @throws when it does not run. */
export async function observe(engine: TestEngine, name: string): Promise<Observed> {
  const inspect = (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();
  const { Pid } = inspect.State;
  if (!Pid) throw new Error(`${name} does not run: ${inspect.State.Error}`);
  const proc = (file: string): string => readFileSync(`/proc/${Pid}/${file}`, 'utf8');
  const bundle = path.dirname(inspect.ResolvConfPath);
  return {
    inspect,
    monitor: readFileSync(`/proc/${/^PPid:\s*(\d+)$/m.exec(proc('status'))?.[1]}/cmdline`, 'utf8'),
    spec: JSON.parse(readFileSync(path.join(bundle, 'config.json'), 'utf8')) as OciSpec,
    group: (controller, ...names) => groupFile(Pid, controller, names),
    proc,
    status: (field) => new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(proc('status'))?.[1]?.trim() ?? '',
    link: (file) => readlinkSync(`/proc/${Pid}/${file}`),
    inside: (file) => proc(`root${file}`),
    mount: (target) => {
      const fields = proc('mountinfo')
        .split('\n')
        .map((line) => line.split(' '));
      const found = fields.findLast((line) => line[4] === target);
      return found ? `${found[5]} ${found.at(-1)}` : '';
    },
  };
}
