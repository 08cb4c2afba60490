import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlags } from '../../flags.ts';
import { command } from './update.ts';
import { updateRequestOf } from './update-request.ts';

const request = (...argv: string[]) => updateRequestOf(parseFlags(command.flags, argv, false).flags, { HOME: '/me' });

test('an update asks for what its flags name, and for nothing else', () => {
  assert.deepEqual(request(), {});
  assert.deepEqual(request('-m', '64m', '--memory-swap', '-1', '--cpus', '0.5', '-c', '9', '--pids-limit', '-1'), {
    ...{ Memory: 67_108_864, MemorySwap: -1, NanoCpus: 5e8, CpuShares: 9, PidsLimit: -1 },
  });
  assert.deepEqual(
    request('--cpu-rt-period', '7', '--cpu-rt-runtime', '6', '--cpuset-mems', '0', '--blkio-weight', '10'),
    {
      ...{ CpuRealtimePeriod: 7, CpuRealtimeRuntime: 6, CpusetMems: '0', BlkioWeight: 10 },
    },
  );
  assert.deepEqual(request('--restart', 'on-failure:3').RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
});

test("tug's own flags become its own fields", () => {
  assert.deepEqual(
    request('--label-add', 'a=b', '--label-rm', 'c', '--env-add', 'HOME', '--env-add', 'X=1', '--env-rm', 'Y'),
    { LabelsAdd: { a: 'b' }, LabelsRemove: ['c'], EnvAdd: ['HOME=/me', 'X=1'], EnvRemove: ['Y'] },
  );
  assert.deepEqual(
    request('--publish-add', '127.0.0.1:8080:80', '--publish-rm', '53/udp', '--command', "sh -c 'a b'"),
    {
      Cmd: ['sh', '-c', 'a b'],
      PortBindingsAdd: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] },
      PortBindingsRemove: { '53/udp': [{ HostIp: '', HostPort: '' }] },
    },
  );
  const { MountsAdd, MountsRemove } = request('--mount-add', 'type=tmpfs,target=/x', '--mount-rm', '/y');
  assert.deepEqual([MountsAdd, MountsRemove], [[{ Type: 'tmpfs', Target: '/x' }], ['/y']]);
});
