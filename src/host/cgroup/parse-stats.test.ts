import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseV1, parseV2 } from './parse-stats.ts';

test('a v1 group: nanoseconds, bytes, operations by device', () => {
  const files: Record<string, string> = {
    'cpuacct.usage': '5000000000\n',
    'cpuacct.usage_user': '3000000000\n',
    'cpuacct.usage_sys': '2000000000\n',
    'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 123456\n',
    'memory.usage_in_bytes': '4096000\n',
    'memory.limit_in_bytes': '9223372036854771712\n',
    'memory.stat': 'cache 1000\nrss 2000\ntotal_inactive_file 300\n',
    'pids.current': '4\n',
    'pids.max': 'max\n',
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\nTotal 12288\n',
    'blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\nTotal 3\n',
  };
  assert.deepEqual(
    parseV1((name) => files[name]),
    {
      cpu: {
        total: 5000000000n,
        user: 3000000000n,
        system: 2000000000n,
        periods: 10,
        throttledPeriods: 3,
        throttledTime: 123456n,
      },
      memory: { usage: 4096000, limit: 0, cache: 1000, details: { cache: 1000, rss: 2000, total_inactive_file: 300 } },
      pids: { current: 4, limit: undefined },
      blkio: [
        { device: '8:0', operation: 'read', bytes: 4096, count: 1 },
        { device: '8:0', operation: 'write', bytes: 8192, count: 2 },
      ],
    },
  );
});

test('a v2 group: microseconds become nanoseconds, io.stat becomes operations', () => {
  const files: Record<string, string> = {
    'cpu.stat': 'usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 1\nnr_throttled 2\nthrottled_usec 7\n',
    'memory.current': '8192\n',
    'memory.max': '67108864\n',
    'memory.stat': 'anon 100\nfile 50\ninactive_file 20\n',
    'pids.current': '2\n',
    'pids.max': '100\n',
    'io.stat': '253:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:0\n',
  };
  const stats = parseV2((name) => files[name]);
  assert.deepEqual(stats.cpu, {
    total: 5000000n,
    user: 3000000n,
    system: 2000000n,
    periods: 1,
    throttledPeriods: 2,
    throttledTime: 7000n,
  });
  assert.deepEqual(stats.memory, {
    usage: 8192,
    limit: 67108864,
    cache: 50,
    details: { anon: 100, file: 50, inactive_file: 20 },
  });
  assert.deepEqual(stats.pids, { current: 2, limit: 100 });
  assert.deepEqual(stats.blkio, [
    { device: '253:0', operation: 'read', bytes: 10, count: 1 },
    { device: '253:0', operation: 'write', bytes: 20, count: 2 },
  ]);
});

test('a group without a controller reads as zeros', () => {
  for (const parse of [parseV1, parseV2]) {
    const stats = parse(() => undefined);
    assert.equal(stats.cpu.total, 0n);
    assert.equal(stats.memory.usage, 0);
    assert.deepEqual(stats.pids, { current: 0, limit: undefined });
    assert.deepEqual(stats.blkio, []);
  }
});
