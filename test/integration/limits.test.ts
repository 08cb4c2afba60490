import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { disagreements } from '../crash/invariants.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { groupFile } from '../helpers/group-file.ts';

const lacksNetCls = existsSync('/sys/fs/cgroup/cgroup.controllers') && 'control groups v2 have no net_cls';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string): Promise<ContainerInspect> =>
  (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

for (const cli of commandLines) {
  describe(`limits of ${cli} run`, () => {
    it('are in force in the control group', async () => {
      const flags = ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '20'];
      await engine[cli](['run', '-d', '--name', 'small', ...flags, 'busybox', 'sleep', '1000']);
      const { State, HostConfig } = await inspect('small');
      assert.equal(groupFile(State.Pid, 'memory', ['memory.limit_in_bytes', 'memory.max']), String(64 * 1024 * 1024));
      const quota = groupFile(State.Pid, 'cpu', ['cpu.cfs_quota_us', 'cpu.max']);
      assert.match(quota, /^50000( 100000)?$/);
      assert.equal(groupFile(State.Pid, 'pids', ['pids.max', 'pids.max']), '20');
      const { Memory, MemorySwap, NanoCpus, PidsLimit } = HostConfig as Record<string, number>;
      assert.deepEqual([Memory, MemorySwap, NanoCpus, PidsLimit], [67_108_864, 134_217_728, 500_000_000, 20]);
      await engine.tug(['rm', '-f', 'small']);
    });

    it('of traffic and huge pages are set by annotations', { skip: lacksNetCls }, async () => {
      const limits = ['net_cls.classid=0x100001', 'net_prio.ifpriomap=lo:4', 'hugetlb.2MB=4m'];
      const flags = limits.flatMap((limit) => ['--annotation', `tug.cgroup.${limit}`]);
      const { code, stderr } = await engine[cli]([
        'run',
        '-d',
        '--name',
        'annotated',
        ...flags,
        'busybox',
        'sleep',
        '1000',
      ]);
      assert.equal(code, 0, stderr);
      const { State } = await inspect('annotated');
      assert.equal(groupFile(State.Pid, 'net_cls', ['net_cls.classid', '']), String(0x100001));
      assert.match(groupFile(State.Pid, 'net_prio', ['net_prio.ifpriomap', '']), /^lo 4$/m);
      assert.equal(groupFile(State.Pid, 'hugetlb', ['hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.max']), '4194304');
      await engine.tug(['rm', '-f', 'annotated']);
      const wrong = await engine[cli](['run', '--rm', '--annotation', 'tug.cgroup.hugetlb.2=1m', 'busybox', 'true']);
      assert.match(wrong.stderr, /invalid annotation tug.cgroup.hugetlb.2=1m: there are/);
    });

    it('stop a container that forks without end', async () => {
      const script = 'i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done';
      const said = await engine[cli](['run', '--name', 'bomb', '--pids-limit', '10', 'busybox', 'sh', '-c', script]);
      assert.match(said.stderr, /can't fork: Resource temporarily unavailable/);
      assert.notEqual(said.code, 0);
      await engine.tug(['rm', 'bomb']);
    });

    it('end a container that takes more memory than it may have', async () => {
      const script = 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done';
      const flags = ['--memory', '16m', '--memory-swap', '16m'];
      const said = await engine[cli](['run', '--name', 'hungry', ...flags, 'busybox', 'sh', '-c', script]);
      assert.equal(said.code, 137);
      const { State } = await inspect('hungry');
      assert.deepEqual([State.OOMKilled, State.ExitCode], [true, 137]);
      // killed, and for nothing it did: another end is told as such
      const plain = await engine[cli]([
        'run',
        '--name',
        'plain',
        ...flags,
        '--init',
        'busybox',
        'sh',
        '-c',
        'kill -9 $$',
      ]);
      assert.deepEqual([plain.code, (await inspect('plain')).State.OOMKilled], [137, false]);
      await engine.tug(['rm', 'hungry', 'plain']);
    });

    it('of files and other resources hold', async () => {
      const said = await engine[cli]([
        'run',
        '--rm',
        '--ulimit',
        'nofile=77:88',
        '--ulimit',
        'core=0',
        'busybox',
        'sh',
        '-c',
        'ulimit -n; ulimit -Hn; ulimit -c',
      ]);
      assert.equal(said.stdout, '77\n88\n0\n');
      const shm = await engine[cli]([
        'run',
        '--rm',
        '--shm-size',
        '2m',
        'busybox',
        'sh',
        '-c',
        'df -k /dev/shm | tail -1',
      ]);
      assert.match(shm.stdout, /^shm +2048 /);
    });

    it('that make no sense are refused', async () => {
      for (const [flags, why] of [
        [['--memory', '1m'], 'Minimum memory limit allowed is 6MB'],
        [['--memory', '64m', '--memory-swap', '1m'], 'Minimum memoryswap limit should be larger than memory limit'],
        [['--cpus', '1000'], 'range of CPUs is from 0.01 to'],
        [['--blkio-weight', '5'], 'Range of blkio weight is from 10 to 1000'],
        [['--memory', '5x'], 'invalid argument "5x" for "-m, --memory" flag: invalid suffix: \'x\''],
        [['--ulimit', 'nofile=10:5'], 'ulimit soft limit must be less than or equal to hard limit: 10 > 5'],
      ] as const) {
        const { code, stderr } = await engine[cli](['run', '--rm', ...flags, 'busybox']);
        assert.deepEqual([code, stderr.includes(why)], [125, true], stderr);
      }
    });
  });
}

describe('limited containers', () => {
  it('leave nothing behind', async () => {
    assert.equal((await engine.tug(['ps', '-aq'])).stdout, '');
    assert.deepEqual(await disagreements(engine), []);
  });
});
