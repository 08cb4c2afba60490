import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectCgroups } from './detect.ts';

const line = (target: string, type: string, options: string) =>
  `31 23 0:28 / ${target} rw,nosuid shared:5 - ${type} ${type} rw,${options}`;
const kernel = [
  '#subsys_name\thierarchy\tnum_cgroups\tenabled',
  'cpu\t3\t1\t1',
  'cpuacct\t3\t1\t1',
  'memory\t4\t15\t1',
  'hugetlb\t0\t1\t1',
  'rdma\t0\t1\t0',
  'debug\t0\t1\t1',
].join('\n');

test('a v2 host has one hierarchy, and nothing is missing', () => {
  const found = detectCgroups(line('/sys/fs/cgroup', 'cgroup2', 'nsdelegate'), kernel);
  assert.equal(found.mode, 'v2');
  assert.equal(found.unified, '/sys/fs/cgroup');
  assert.deepEqual(found.missing, []);
});

test('a v1 host carries controllers in hierarchies, several in one', () => {
  const found = detectCgroups(
    [
      line('/sys/fs/cgroup', 'tmpfs', 'mode=755'),
      line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
      line('/sys/fs/cgroup/memory', 'cgroup', 'memory'),
      line('/sys/fs/cgroup/systemd', 'cgroup', 'xattr,name=systemd'),
    ].join('\n'),
    kernel,
  );
  assert.equal(found.mode, 'v1');
  assert.equal(found.unified, undefined);
  assert.deepEqual(
    [...found.v1],
    [
      ['cpu', '/sys/fs/cgroup/cpu,cpuacct'],
      ['cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
      ['memory', '/sys/fs/cgroup/memory'],
      ['name=systemd', '/sys/fs/cgroup/systemd'],
    ],
  );
  assert.deepEqual(found.missing, ['hugetlb']);
});

test('a hybrid host has both; what v2 still holds is missing', () => {
  const found = detectCgroups(
    [
      line('/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate'),
      line('/sys/fs/cgroup/memory', 'cgroup', 'memory'),
      line('/sys/fs/cgroup/cpu', 'cgroup', 'cpu'),
      line('/sys/fs/cgroup/cpuacct', 'cgroup', 'cpuacct'),
      line('/elsewhere/memory', 'cgroup', 'memory'),
    ].join('\n'),
    kernel,
  );
  assert.equal(found.mode, 'hybrid');
  assert.equal(found.unified, '/sys/fs/cgroup/unified');
  assert.equal(found.v1.get('memory'), '/sys/fs/cgroup/memory');
  assert.deepEqual(found.missing, ['hugetlb']);
});

test('a host with only a named v1 hierarchy beside v2 is a v2 host', () => {
  const mounts = [line('/sys/fs/cgroup', 'cgroup2', 'rw'), line('/run/cg', 'cgroup', 'name=other')].join('\n');
  assert.equal(detectCgroups(mounts, kernel).mode, 'v2');
});
