import type { OciMount } from './types.ts';

export interface MountsInput {
  readonly privileged: boolean;
  /** `private`, `host`, `none`, `shareable`, or a path of another container's /dev/shm. */
  readonly ipcMode: string;
  readonly shmSize: number;
  /** Files and folders the engine or the user brings in, in the order they are to be mounted. */
  readonly extra: readonly OciMount[];
}

/** What every container finds mounted, then what was asked for; a mount of the user's replaces a default one at the same place. */
export function buildMounts(input: MountsInput): OciMount[] {
  const taken = new Set(input.extra.map((mount) => mount.destination));
  return [...defaultMounts(input).filter((mount) => !taken.has(mount.destination)), ...input.extra];
}

function defaultMounts(input: MountsInput): OciMount[] {
  const access = input.privileged ? 'rw' : 'ro';
  const mounts: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [access, 'nosuid', 'noexec', 'nodev'],
    },
  ];
  // it shows the queues of the IPC namespace that it is mounted in, the host's too, which may itself not have it mounted
  mounts.push({
    destination: '/dev/mqueue',
    type: 'mqueue',
    source: 'mqueue',
    options: ['nosuid', 'noexec', 'nodev'],
  });
  if (input.ipcMode === 'host') mounts.push(bind('/dev/shm', '/dev/shm'));
  else if (input.ipcMode !== 'none') {
    const options = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${input.shmSize}`];
    mounts.push({ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options });
  }
  return mounts;
}

const bind = (source: string, destination: string): OciMount => ({
  destination,
  source,
  type: 'bind',
  options: ['rbind', 'nosuid', 'noexec', 'nodev'],
});

/** What is hidden from, and read-only in, a container that is not privileged. */
export const maskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
export const readonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];
