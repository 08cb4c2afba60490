import assert from 'node:assert/strict';
import { it } from 'node:test';
import { annotatedControllers, annotatedLimits } from './annotated-limits.ts';

it('annotations set the class and priorities of traffic and the limits of huge pages', () => {
  const annotations = {
    'tug.cgroup.net_cls.classid': '0x100001',
    'tug.cgroup.net_prio.ifpriomap': 'eth0:5,lo:1',
    'tug.cgroup.hugetlb.2MB': '64m',
    'tug.cgroup.hugetlb.1GB': '0',
    'com.example.other': 'x',
  };
  assert.deepEqual(annotatedLimits(annotations), {
    network: {
      classID: 0x100001,
      priorities: [
        { name: 'eth0', priority: 5 },
        { name: 'lo', priority: 1 },
      ],
    },
    hugepageLimits: [
      { pageSize: '2MB', limit: 64 * 1024 * 1024 },
      { pageSize: '1GB', limit: 0 },
    ],
  });
  assert.deepEqual([...annotatedControllers(annotations)], ['net_cls', 'net_prio', 'hugetlb']);
  assert.deepEqual(annotatedLimits({}), {});
});

it('annotations of limits that are none are refused', () => {
  for (const [key, value] of [
    ['net_cls.classid', '0'],
    ['net_cls.classid', '0x1ffffffff'],
    ['net_cls.classid', '10:1'],
    ['net_prio.ifpriomap', 'eth0'],
    ['net_prio.ifpriomap', 'eth0:5;lo:1'],
    ['hugetlb.2MB', 'much'],
    ['hugetlb.2', '1m'],
    ['memory', '1m'],
  ] as const)
    assert.throws(() => annotatedLimits({ [`tug.cgroup.${key}`]: value }), { kind: 'invalid' }, `${key}=${value}`);
});
