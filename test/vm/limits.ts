import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import type { ContainerStats } from '../../src/api/types/container-stats.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// Runs in the guest: limits that change, and what a container uses, where there is cgroup v2 alone.

const patience = 300_000;
const MiB = 1024 * 1024;

it('changes limits in place and measures what is used', { timeout: patience }, async () => {
  await using engine = await startEngine({ timeout: patience });
  await starterImage(engine);
  const tug = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.tug(args, { timeout: patience });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const script = 'dd if=/dev/zero of=/file bs=64k count=64 conv=fsync 2>/dev/null; while :; do :; done';
  await tug('run', '-d', '--name', 'busy', '--memory', '64m', '--cpus', '0.5', 'busybox', 'sh', '-c', script);
  const file = await filesOf(engine, 'busy');

  await tug(
    'update',
    '--memory',
    '96m',
    '--memory-swap',
    '200m',
    '--memory-reservation',
    '32m',
    '--cpus',
    '0.25',
    'busy',
  );
  await tug('update', '--cpu-shares', '300', '--cpuset-cpus', '0', '--cpuset-mems', '0', '--pids-limit', '33', 'busy');
  const limits = ['memory.max', 'memory.swap.max', 'memory.low', 'cpu.max', 'cpuset.cpus', 'cpuset.mems', 'pids.max'];
  assert.deepEqual(limits.map(file), [
    ...[96 * MiB, 104 * MiB, 32 * MiB].map(String),
    ...['25000 100000', '0', '0', '33'],
  ]);
  assert.notEqual(file('cpu.weight'), '100');

  const answer = await engine.api('GET', '/containers/busy/stats?stream=false');
  const frame = answer.json<ContainerStats>();
  assert.equal(frame.memory_stats.limit, 96 * MiB);
  assert.deepEqual(frame.pids_stats, { current: 1, limit: 33 });
  assert.ok((frame.memory_stats.stats?.['inactive_file'] ?? -1) >= 0);
  assert.ok(frame.cpu_stats.cpu_usage.total_usage > frame.precpu_stats.cpu_usage.total_usage);
  assert.ok(frame.cpu_stats.throttling_data.throttled_periods > 0);
  assert.equal(frame.cpu_stats.cpu_usage.percpu_usage, undefined);
  const blocks = frame.blkio_stats.io_service_bytes_recursive;
  assert.ok(
    blocks?.some(({ op, value }) => op === 'write' && value > 0),
    JSON.stringify(blocks),
  );
  assert.ok(frame.networks?.['eth0']);

  await tug('update', '--pids-limit', '-1', '--memory-swap', '-1', 'busy');
  assert.deepEqual([file('pids.max'), file('memory.swap.max')], ['max', 'max']);
  await tug('run', '-d', '--name', 'slow', '--cpu-quota', '20000', 'busybox', 'sleep', '1000');
  const slow = await filesOf(engine, 'slow');
  assert.equal(slow('cpu.max'), '20000 100000');
  await tug('update', '--cpu-quota', '-1', 'slow');
  assert.equal(slow('cpu.max'), 'max 100000');
});

/** Reads the files of a container's control group. */
async function filesOf(engine: TestEngine, name: string): Promise<(file: string) => string> {
  const { State } = (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();
  const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${State.Pid}/cgroup`, 'utf8'))?.[1];
  return (file) => readFileSync(`/sys/fs/cgroup${group}/${file}`, 'utf8').trim();
}
