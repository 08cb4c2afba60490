import { parseBytes, parseMemorySwap } from '../../../formats/bytes.ts';
import type { Flag } from '../../command.ts';
import { parseCpus, parseRateDevice, parseUlimit, parseWeightDevice } from './create-values.ts';

const bytes = (long: string, description: string, extra: Partial<Flag> = {}): Flag => ({
  long,
  kind: 'string',
  value: 'bytes',
  description,
  check: parseBytes,
  ...extra,
});
const int = (long: string, description: string, extra: Partial<Flag> = {}): Flag => ({
  long,
  kind: 'int',
  description,
  ...extra,
});
const rate = (long: string, description: string, unit: 'bytes' | 'operations'): Flag => ({
  long,
  kind: 'list',
  description,
  check: (text) => parseRateDevice(text, unit),
});

function checkUint16(text: string): void {
  const quoted = JSON.stringify(text);
  if (!/^\d+$/.test(text)) throw new Error(`strconv.ParseUint: parsing ${quoted}: invalid syntax`);
  if (Number(text) > 65535) throw new Error(`strconv.ParseUint: parsing ${quoted}: value out of range`);
}

/** Limits on what the container may use. */
export const resourceFlags: readonly Flag[] = [
  bytes('memory', 'Limit on memory', { short: 'm' }),
  bytes('memory-reservation', 'Memory that it is left with when memory runs short'),
  bytes('memory-swap', 'Limit on memory and swap together; -1 for none on swap', { check: parseMemorySwap }),
  int('memory-swappiness', 'How readily its memory is swapped (0 to 100)', { default: '-1' }),
  bytes('shm-size', 'Size of /dev/shm'),
  { long: 'cpus', kind: 'string', value: 'decimal', description: 'Number of CPUs', check: parseCpus },
  int('cpu-shares', 'CPU shares relative to other containers', { short: 'c' }),
  int('cpu-period', 'Period of the CPU quota in microseconds'),
  int('cpu-quota', 'CPU time in a period in microseconds'),
  int('cpu-rt-period', 'Period of the real-time quota in microseconds'),
  int('cpu-rt-runtime', 'Real-time CPU time in a period in microseconds'),
  { long: 'cpuset-cpus', kind: 'string', description: 'CPUs it may run on (0-3, 0,1)' },
  { long: 'cpuset-mems', kind: 'string', description: 'Memory nodes it may use (0-3, 0,1)' },
  int('pids-limit', 'Limit on processes and threads; -1 for none'),
  {
    long: 'ulimit',
    kind: 'list',
    value: 'ulimit',
    description: 'Process limit (NAME=SOFT[:HARD])',
    check: parseUlimit,
  },
  int('oom-score-adj', 'Preference of the out-of-memory killer (-1000 to 1000)'),
  { long: 'oom-kill-disable', kind: 'bool', description: 'Turn off the out-of-memory killer' },
  { long: 'device', kind: 'list', description: 'Device of the host (PATH[:TARGET[:PERMISSIONS]])' },
  { long: 'device-cgroup-rule', kind: 'list', description: 'Rule for devices, as the kernel writes them' },
  {
    long: 'blkio-weight',
    kind: 'string',
    value: 'uint16',
    description: 'Weight of its block I/O (10 to 1000); 0 for none',
    check: checkUint16,
  },
  {
    long: 'blkio-weight-device',
    kind: 'list',
    description: 'Weight of its block I/O on a device (PATH:WEIGHT)',
    check: parseWeightDevice,
  },
  rate('device-read-bps', 'Limit on reading from a device (PATH:BYTES-PER-SECOND)', 'bytes'),
  rate('device-write-bps', 'Limit on writing to a device (PATH:BYTES-PER-SECOND)', 'bytes'),
  rate('device-read-iops', 'Limit on reads from a device (PATH:PER-SECOND)', 'operations'),
  rate('device-write-iops', 'Limit on writes to a device (PATH:PER-SECOND)', 'operations'),
  { long: 'cgroup-parent', kind: 'string', description: 'Control group to put it below' },
];
