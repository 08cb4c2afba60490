import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseV1, parseV2 } from './parse-stats.ts';

test('a v1 group: nanoseconds, bytes, operations by device', () => {
  const files: Record<string, string> = {
    'cpuacct.usage': '5000000000\n',
    'cpuacct.usage_user': '3000000000\n',
    'cpuacct.usage_sys': '2000000000\n',
    'cpuacct.usage_percpu': '4000000000 1000000000 \n',
    'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 123456\n',
    'memory.usage_in_bytes': '4096000\n',
    'memory.max_usage_in_bytes': '8192000\n',
    'memory.limit_in_bytes': '9223372036854771712\n',
    'memory.failcnt': '7\n',
    'memory.stat': 'cache 1000\nrss 2000\ntotal_inactive_file 300\n',
    'pids.current': '4\n',
    'pids.max': 'max\n',
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\nTotal 12288\n',
    'blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\nTotal 3\n',
  };
  const device = { major: 8, minor: 0 };
  assert.deepEqual(
    parseV1((name) => files[name]),
    {
      cpu: {
        total: 5000000000,
        user: 3000000000,
        system: 2000000000,
        perCpu: [4000000000, 1000000000],
        periods: 10,
        throttledPeriods: 3,
        throttledTime: 123456,
      },
      memory: {
        usage: 4096000,
        peak: 8192000,
        limit: 0,
        failures: 7,
        details: { cache: 1000, rss: 2000, total_inactive_file: 300 },
      },
      pids: { current: 4, limit: undefined },
      blkio: {
        bytes: [
          { ...device, operation: 'Read', value: 4096 },
          { ...device, operation: 'Write', value: 8192 },
          { ...device, operation: 'Sync', value: 1 },
        ],
        operations: [
          { ...device, operation: 'Read', value: 1 },
          { ...device, operation: 'Write', value: 2 },
        ],
      },
    },
  );
});

/** In the form of the kernel documentation (admin-guide/cgroup-v2), with devices that have counted nothing. */
const v2Group: Record<string, string> = {
  'cpu.stat': `usage_usec 1843220
user_usec 412010
system_usec 1431210
core_sched.force_idle_usec 0
nr_periods 41
nr_throttled 17
throttled_usec 903311
nr_bursts 0
burst_usec 0
`,
  'memory.current': '27725824\n',
  'memory.max': '67108864\n',
  'memory.events': 'low 0\nhigh 0\nmax 113\noom 2\noom_kill 1\noom_group_kill 0\n',
  'memory.stat':
    'anon 237568\nfile 26763264\nkernel 585728\ninactive_anon 180224\ninactive_file 26738688\npgfault 1391\n',
  'pids.current': '2\n',
  'pids.max': '100\n',
  'io.stat': `7:0
254:0 rbytes=1572864 wbytes=26214400 rios=61 wios=25 dbytes=0 dios=0
259:1 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=8192 dios=1
`,
};

test('a v2 group: microseconds become nanoseconds, io.stat becomes operations', () => {
  const stats = parseV2((name) => v2Group[name]);
  assert.deepEqual(stats.cpu, {
    total: 1843220000,
    user: 412010000,
    system: 1431210000,
    perCpu: undefined,
    periods: 41,
    throttledPeriods: 17,
    throttledTime: 903311000,
  });
  const { details, ...memory } = stats.memory;
  assert.deepEqual(memory, { usage: 27725824, peak: undefined, limit: 67108864, failures: 2 });
  assert.deepEqual([details['inactive_file'], details['pgfault']], [26738688, 1391]);
  assert.deepEqual(stats.pids, { current: 2, limit: 100 });
  assert.deepEqual(stats.blkio, {
    bytes: [
      { major: 254, minor: 0, operation: 'read', value: 1572864 },
      { major: 254, minor: 0, operation: 'write', value: 26214400 },
      { major: 259, minor: 1, operation: 'read', value: 4096 },
      { major: 259, minor: 1, operation: 'write', value: 0 },
    ],
    operations: undefined,
  });
});

test('a v2 group without limits says "max"', () => {
  const stats = parseV2((name) => (name.endsWith('.max') ? 'max\n' : undefined));
  assert.deepEqual([stats.memory.limit, stats.pids.limit], [0, undefined]);
});

test('a group without a controller reads as zeros', () => {
  for (const parse of [parseV1, parseV2]) {
    const stats = parse(() => undefined);
    assert.equal(stats.cpu.total, 0);
    assert.equal(stats.memory.usage, 0);
    assert.deepEqual(stats.pids, { current: 0, limit: undefined });
    assert.deepEqual(stats.blkio.bytes, []);
  }
});
