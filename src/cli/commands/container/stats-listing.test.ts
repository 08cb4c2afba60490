import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerStats } from '../../../api/types/container-stats.ts';
import { type StatsRow, statsListing } from './stats-listing.ts';

const cpu = (total: number, system: number) => ({
  cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  system_cpu_usage: system,
  online_cpus: 4,
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
});
const frame = {
  id: 'f'.repeat(64),
  name: '/web',
  cpu_stats: cpu(3e8, 8e9),
  precpu_stats: cpu(1e8, 4e9),
  memory_stats: { usage: 300 * 1024 * 1024, limit: 1024 ** 3, stats: { inactive_file: 44 * 1024 * 1024 } },
  networks: { eth0: { rx_bytes: 1500, tx_bytes: 20 }, eth1: { rx_bytes: 500, tx_bytes: 3 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { major: 8, minor: 0, op: 'Read', value: 4_096_000 },
      { major: 8, minor: 0, op: 'write', value: 5 },
      { major: 8, minor: 0, op: 'Sync', value: 99 },
    ],
  },
  pids_stats: { current: 7 },
} as unknown as ContainerStats;

const cells = (row: StatsRow, truncate = true) => {
  const { columns, fields } = statsListing(truncate);
  return columns.map((column) => fields[column]?.value(row));
};

test('a frame becomes a row', () => {
  assert.deepEqual(cells({ container: 'web', frame }), [
    ...['ffffffffffff', 'web', '20.00%', '256MiB / 1GiB', '25.00%', '2kB / 23B', '4.1MB / 5B', '7'],
  ]);
  assert.equal(cells({ container: 'web', frame }, false)[0], 'f'.repeat(64));
});

test('what v1 groups call inactive is their total', () => {
  const stats = { inactive_file: 1, total_inactive_file: 200 * 1024 * 1024 };
  const v1 = { ...frame, memory_stats: { ...frame.memory_stats, stats } };
  assert.equal(cells({ container: 'web', frame: v1 })[3], '100MiB / 1GiB');
});

test('a container nothing is known of has dashes', () => {
  assert.deepEqual(cells({ container: 'web', frame: undefined }), [
    '--',
    '--',
    '--',
    '-- / --',
    '--',
    '--',
    '--',
    '--',
  ]);
});
