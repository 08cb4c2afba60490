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

/** Recorded on Debian's kernel 6.1 with cgroup v2 alone, of a container that had written 4 MiB and was throttled since. */
const recorded: Record<string, string> = {
  'cpu.stat': `usage_usec 3126730
user_usec 1535311
system_usec 1591419
nr_periods 92
nr_throttled 78
throttled_usec 5343505
nr_bursts 1
burst_usec 25000
`,
  'memory.current': '4775936\n',
  'memory.max': '100663296\n',
  'memory.events': `low 0
high 0
max 0
oom 0
oom_kill 0
oom_group_kill 0
`,
  'memory.stat': `anon 57344
file 4202496
kernel 278528
kernel_stack 0
pagetables 20480
sec_pagetables 0
percpu 144
sock 0
vmalloc 12288
shmem 0
file_mapped 0
file_dirty 8192
file_writeback 0
swapcached 0
anon_thp 0
file_thp 0
shmem_thp 0
inactive_anon 57344
active_anon 0
inactive_file 4194304
active_file 8192
unevictable 0
slab_reclaimable 188520
slab_unreclaimable 28976
slab 217496
workingset_refault_anon 0
workingset_refault_file 0
workingset_activate_anon 0
workingset_activate_file 0
workingset_restore_anon 0
workingset_restore_file 0
workingset_nodereclaim 0
pgscan 0
pgsteal 0
pgscan_kswapd 0
pgscan_direct 0
pgsteal_kswapd 0
pgsteal_direct 0
pgfault 147
pgmajfault 0
pgrefill 0
pgactivate 0
pgdeactivate 0
pglazyfree 0
pglazyfreed 0
thp_fault_alloc 0
thp_collapse_alloc 0
`,
  'pids.current': '1\n',
  'io.stat': '254:0 rbytes=0 wbytes=4194304 rios=0 wios=4 dbytes=0 dios=0\n',
  'pids.max': '33\n',
};

test('a v2 group: microseconds become nanoseconds, io.stat becomes operations', () => {
  const stats = parseV2((name) => recorded[name]);
  assert.deepEqual(stats.cpu, {
    total: 3126730000,
    user: 1535311000,
    system: 1591419000,
    perCpu: undefined,
    periods: 92,
    throttledPeriods: 78,
    throttledTime: 5343505000,
  });
  const { details, ...memory } = stats.memory;
  assert.deepEqual(memory, { usage: 4775936, peak: undefined, limit: 100663296, failures: 0 });
  assert.deepEqual([details['inactive_file'], details['thp_collapse_alloc']], [4194304, 0]);
  assert.equal(Object.keys(details).length, 47);
  assert.deepEqual(stats.pids, { current: 1, limit: 33 });
  assert.deepEqual(stats.blkio, {
    bytes: [
      { major: 254, minor: 0, operation: 'read', value: 0 },
      { major: 254, minor: 0, operation: 'write', value: 4194304 },
    ],
    operations: undefined,
  });
});

test('a v2 group with several devices, of which one has counted nothing, and an OOM', () => {
  const files: Record<string, string> = {
    'io.stat':
      '7:0\n8:16 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n259:1 rbytes=30 wbytes=0 rios=3 wios=0 dbytes=0 dios=0\n',
    'memory.events': 'low 0\nhigh 0\nmax 113\noom 2\noom_kill 1\n',
  };
  const { blkio, memory } = parseV2((name) => files[name]);
  assert.deepEqual(
    blkio.bytes.map(({ major, minor, operation, value }) => `${major}:${minor} ${operation} ${value}`),
    ['8:16 read 10', '8:16 write 20', '259:1 read 30', '259:1 write 0'],
  );
  assert.equal(memory.failures, 2);
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
