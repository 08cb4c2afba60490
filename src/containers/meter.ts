import type { CgroupDriver, CgroupSampler } from '../host/cgroup/contract.ts';
import { readCpuTime } from '../host/cpu-time.ts';
import { type InterfaceCounters, parseNetDev } from '../host/interface-counters.ts';
import { type FileBudget, type KeptFile, keepFile } from '../host/kept-file.ts';
import type { NetworkService } from '../networks/contract.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { emptySample, type Sample, sampleOf } from './stats-frame.ts';

export interface MeterDeps {
  readonly cgroups: CgroupDriver;
  readonly networks: Pick<NetworkService, 'sandboxOf'>;
  /** Where a container's control group lies. */
  readonly groupOf: (record: ContainerRecord) => string;
  readonly budget: FileBudget;
}

/** Measures one container, whether it runs or not. */
export interface Meter {
  /** Opens the files of a run at its first sample. Synchronous. */
  sample(procStat: KeptFile): Sample;
  /** Lets the files of a run go: with its end, since an open /proc/PID/net/dev keeps the network namespace. Idempotent. */
  release(): void;
}

/** The files of one run. */
interface Run {
  readonly group: CgroupSampler;
  /** Interfaces are counted in a namespace of the container's own; the host's are not its. */
  readonly interfaces: KeptFile | undefined;
}

export function createMeter(deps: MeterDeps, record: ContainerRecord): Meter {
  let run: Run | undefined;
  return {
    sample(procStat) {
      if (!isRunning(record)) return emptySample(record.id, record.name);
      run ??= openRun(deps, record);
      const use = run.group.sample();
      if (!use) return emptySample(record.id, record.name);
      const interfaces = interfacesOf(run);
      return sampleOf(record.id, record.name, { use, host: readCpuTime(procStat), interfaces });
    },
    release() {
      run?.group[Symbol.dispose]();
      run?.interfaces?.[Symbol.dispose]();
      run = undefined;
    },
  };
}

function openRun({ cgroups, networks, groupOf, budget }: MeterDeps, record: ContainerRecord): Run {
  const own = networks.sandboxOf(record.id)?.namespace.kind === 'path';
  return {
    group: cgroups.sampler(groupOf(record)),
    interfaces: own ? keepFile(`/proc/${record.state.pid}/net/dev`, budget) : undefined,
  };
}

function interfacesOf({ interfaces }: Run): ReadonlyMap<string, InterfaceCounters> {
  const text = interfaces?.read();
  return text === undefined ? new Map() : parseNetDev(text);
}
