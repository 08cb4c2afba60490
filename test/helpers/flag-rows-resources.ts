import { existsSync, globSync } from 'node:fs';
import * as path from 'node:path';
import { deviceNumber } from '../../src/runtime/spec/resources.ts';
import type { FlagRow, Observed } from './flag-effects.ts';

const megabyte = 1024 * 1024;
const isV2 = (): boolean => existsSync('/sys/fs/cgroup/cgroup.controllers');
const group =
  (controller: string, ...names: readonly [v1: string, v2: string]) =>
  (container: Observed): string =>
    container.group(controller, ...names);
/** A limit that cgroup v2 does not have is left to the runtime's configuration. */
const onV1 = (seen: (container: Observed) => unknown, otherwise: (container: Observed) => unknown) =>
  isV2() ? otherwise : seen;

/** A limit that cgroup v2 does not have is left out there, with a warning. */
function ofV1(args: readonly string[], says: RegExp, saw: (container: Observed) => unknown, is: unknown): FlagRow {
  const flag = (args[0] ?? '').slice(2);
  return isV2() ? { flag, args: [...args, 'busybox', 'true'], says } : { flag, args, saw, is };
}

/** A whole disk of this machine that has a node. */
function disk(): string {
  const found = globSync('/sys/block/*')
    .map((folder) => path.join('/dev', path.basename(folder)))
    .find(existsSync);
  if (!found) throw new Error('this machine has no block device');
  return found;
}

function rate(flag: string, file: string, key: string, value: number): FlagRow {
  const { major, minor } = deviceNumber(disk());
  const saw = ({ group }: Observed): boolean => {
    const text = group('blkio', `blkio.throttle.${file}_device`, 'io.max');
    return new RegExp(`^${major}:${minor} (.*${key}=)?${value}( |$)`, 'm').test(text);
  };
  return { flag, args: [`--${flag}`, `${disk()}:${value}`], saw, is: true };
}

const hasWeights = (): boolean => globSync('/sys/fs/cgroup/blkio/blkio.{bfq.,}weight').length > 0;

/** Weights are there with the scheduler BFQ alone, and refused elsewhere. */
function weight(flag: string, value: string): FlagRow {
  const args = [`--${flag}`, value];
  if (!hasWeights())
    return { flag, args: [...args, 'busybox'], says: /^125 .*no I\/O scheduler of this kernel has weights/s };
  return { flag, args, saw: ({ spec }) => spec.linux.resources.blockIO !== undefined, is: true };
}

/** Of `resource-flags.ts`. */
export const resourceRows = (): readonly FlagRow[] => [
  {
    flag: 'memory',
    args: ['--memory', '64m'],
    saw: group('memory', 'memory.limit_in_bytes', 'memory.max'),
    is: String(64 * megabyte),
  },
  {
    flag: 'memory-reservation',
    args: ['--memory-reservation', '32m'],
    saw: group('memory', 'memory.soft_limit_in_bytes', 'memory.low'),
    is: String(32 * megabyte),
  },
  {
    flag: 'memory-swap',
    args: ['--memory-swap', '96m'],
    saw: group('memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max'),
    is: String((isV2() ? 32 : 96) * megabyte),
  },
  ofV1(['--memory-swappiness', '7'], /Memory swappiness discarded\.$/, group('memory', 'memory.swappiness', ''), '7'),
  { flag: 'shm-size', args: ['--shm-size', '2m'], saw: ({ mount }) => /size=2048k/.test(mount('/dev/shm')), is: true },
  { flag: 'cpus', test: 'limits.test.ts: are in force in the control group' },
  {
    flag: 'cpu-shares',
    args: ['--cpu-shares', '512'],
    // of v2 a weight: older runtimes go by a line (20), newer ones by a curve (59)
    saw: ({ spec, group }) => [
      spec.linux.resources.cpu?.shares,
      (isV2() ? ['20', '59'] : ['512']).includes(group('cpu', 'cpu.shares', 'cpu.weight')),
    ],
    is: [512, true],
  },
  {
    flag: 'cpu-period',
    args: ['--cpu-period', '50000'],
    saw: ({ group }) => group('cpu', 'cpu.cfs_period_us', 'cpu.max').split(' ').at(-1),
    is: '50000',
  },
  {
    flag: 'cpu-quota',
    args: ['--cpu-quota', '25000'],
    saw: ({ group }) => group('cpu', 'cpu.cfs_quota_us', 'cpu.max').split(' ')[0],
    is: '25000',
  },
  ...realtime(),
  { flag: 'cpuset-cpus', args: ['--cpuset-cpus', '0'], saw: group('cpuset', 'cpuset.cpus', 'cpuset.cpus'), is: '0' },
  { flag: 'cpuset-mems', args: ['--cpuset-mems', '0'], saw: ({ spec }) => spec.linux.resources.cpu?.mems, is: '0' },
  { flag: 'pids-limit', args: ['--pids-limit', '20'], saw: group('pids', 'pids.max', 'pids.max'), is: '20' },
  {
    flag: 'ulimit',
    args: ['--ulimit', 'nofile=77:88'],
    saw: ({ proc }) => /^Max open files +77 +88 /m.test(proc('limits')),
    is: true,
  },
  { flag: 'oom-score-adj', args: ['--oom-score-adj', '123'], saw: ({ proc }) => proc('oom_score_adj'), is: '123\n' },
  ofV1(
    ['--oom-kill-disable'],
    /OomKillDisable discarded\.$/,
    ({ group }) => /^oom_kill_disable 1$/m.test(group('memory', 'memory.oom_control', '')),
    true,
  ),
  {
    flag: 'device',
    args: ['--device', '/dev/null:/dev/other:r'],
    saw: ({ spec }) => spec.linux.devices?.some((each) => each.path === '/dev/other'),
    is: true,
  },
  {
    flag: 'device-cgroup-rule',
    args: ['--device-cgroup-rule', 'c 42:7 r'],
    saw: onV1(
      ({ group }) => /^c 42:7 r$/m.test(group('devices', 'devices.list', '')),
      ({ spec }) => spec.linux.resources.devices?.some((rule) => rule.major === 42 && rule.minor === 7),
    ),
    is: true,
  },
  weight('blkio-weight', '300'),
  weight('blkio-weight-device', `${disk()}:300`),
  rate('device-read-bps', 'read_bps', 'rbps', 1_048_576),
  rate('device-write-bps', 'write_bps', 'wbps', 2_097_152),
  rate('device-read-iops', 'read_iops', 'riops', 300),
  rate('device-write-iops', 'write_iops', 'wiops', 400),
  ...['cpu-count', 'cpu-percent', 'io-maxbandwidth', 'io-maxiops'].map((flag) => ({
    flag,
    test: 'refused-flags.test.ts: that are for Windows are refused in the words of docker',
  })),
  {
    flag: 'kernel-memory',
    test: 'refused-flags.test.ts: that cannot be honoured are refused with a sentence, and nothing is made',
  },
  {
    flag: 'cgroup-parent',
    args: ['--cgroup-parent', '/tug-flags'],
    saw: ({ proc }) => /:\/tug-flags\//.test(proc('cgroup')),
    is: true,
  },
];

/** Real-time limits are there on cgroup v1 with a kernel that has them; the runtime says so elsewhere. */
function realtime(): readonly FlagRow[] {
  const period = ['--cpu-rt-period', '500000'];
  const runtime = ['--cpu-rt-runtime', '1000', 'busybox'];
  return [
    existsSync('/sys/fs/cgroup/cpu/cpu.rt_period_us')
      ? { flag: 'cpu-rt-period', args: period, saw: group('cpu', 'cpu.rt_period_us', ''), is: '500000' }
      : { flag: 'cpu-rt-period', args: [...period, 'busybox'], says: /^12\d .*(rt_period|realtime period)/s },
    // the groups above the container's have no real-time budget to give
    { flag: 'cpu-rt-runtime', args: runtime, says: /^12\d .*(rt_runtime|realtime runtime)/s },
  ];
}
