import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostConfig } from '../api/types/container.ts';
import type { UpdateRequest } from '../api/types/container-update.ts';
import { openDatabase } from '../base/database.ts';
import type { CgroupDriver } from '../host/cgroup/contract.ts';
import { recordChanges } from './change-list.ts';
import type { ContainerRecord } from './record.ts';
import { containerMigrations, openContainerStore } from './store.ts';
import { updatedDefinition, updatedPolicy } from './update-definition.ts';
import { changedLimits, limitChange, updatedLimits } from './update-limits.ts';
import { planPorts } from './update-ports.ts';

const MiB = 1024 * 1024;
const cgroups = { limits: new Set() } as unknown as CgroupDriver;

describe('limits', () => {
  const change = (before: HostConfig, request: UpdateRequest) => {
    const after = updatedLimits(before, request, cgroups);
    return limitChange(after, before, changedLimits(before, after));
  };

  it('are changed alone', () => {
    assert.deepEqual(change({ Memory: 64 * MiB, MemorySwap: 128 * MiB, CpuShares: 5 }, { CpuShares: 7 }), {
      resources: { cpu: { shares: 7 } },
      lifted: [],
    });
    assert.deepEqual(change({}, { NanoCpus: 5e8, PidsLimit: 9 }), {
      resources: { cpu: { period: 100_000, quota: 50_000 }, pids: { limit: 9 } },
      lifted: [],
    });
  });

  it('of memory bring the swap along, as at create', () => {
    assert.deepEqual(change({}, { Memory: 64 * MiB }).resources, {
      memory: { limit: 64 * MiB, swap: 128 * MiB },
    });
    const kept = change({ Memory: 64 * MiB, MemorySwap: 128 * MiB }, { Memory: 100 * MiB });
    assert.deepEqual(kept.resources, { memory: { limit: 100 * MiB, swap: 128 * MiB } });
    assert.equal(updatedLimits({ Memory: 64 * MiB, MemorySwap: -1 }, { Memory: 999 * MiB }, cgroups).MemorySwap, -1);
  });

  it('are taken away, also those of single devices', () => {
    assert.deepEqual(change({ PidsLimit: 5, CpuPeriod: 9000, CpuQuota: 5000 }, { PidsLimit: -1, CpuQuota: -1 }), {
      resources: { cpu: { period: 9000 } },
      lifted: ['cpu-quota', 'pids'],
    });
    const rate = { Path: '/dev/null', Rate: 77 };
    const back = limitChange({}, { BlkioDeviceReadBps: [rate] }, ['BlkioDeviceReadBps']);
    assert.deepEqual(back.resources.blockIO?.throttleReadBpsDevice, [{ major: 1, minor: 3, rate: 0 }]);
  });

  it('that contradict what is there are refused, and nothing that is not asked for', () => {
    for (const [before, request, why] of [
      [{ NanoCpus: 1 }, { CpuPeriod: 5000 }, /CPU Period cannot be updated as NanoCPUs has already been set/],
      [{ CpuQuota: 9000 }, { NanoCpus: 5e8 }, /Nano CPUs cannot be updated as CPU Quota has already been set/],
      [{ Memory: 64 * MiB, MemorySwap: 70 * MiB }, { Memory: 80 * MiB }, /update the memoryswap at the same time/],
      [{}, { BlkioWeight: 300 }, /no I\/O scheduler of this kernel has weights/],
      [{}, { Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }] }, /Ulimits cannot be changed by an update/],
      [{}, { OomKillDisable: true }, /OomKillDisable cannot be changed/],
    ] as const)
      assert.throws(() => updatedLimits(before as HostConfig, request as UpdateRequest, cgroups), why);
    const ulimits = [{ Name: 'core', Soft: 0, Hard: 0 }];
    assert.deepEqual(updatedLimits({ Ulimits: ulimits }, { Ulimits: ulimits, Memory: 0 }, cgroups), {
      Ulimits: ulimits,
    });
  });
});

const store = openContainerStore(openDatabase(':memory:', containerMigrations));
const record = (host: HostConfig, config: ContainerRecord['config'] = {}): ContainerRecord =>
  ({
    id: 'i',
    name: 'n',
    host: { NetworkMode: 'bridge', ...host },
    config,
    path: 'a',
    args: [],
  }) as unknown as ContainerRecord;

describe('ports', () => {
  const fixed = { HostIp: '127.0.0.1', HostPort: '8080' };

  it('are added and taken back by what of them is named', () => {
    const both = record({ PortBindings: { '80': [fixed, { HostPort: '' }] } });
    const published = { '80/tcp': [fixed, { HostIp: '0.0.0.0', HostPort: '32768' }] };
    const take = (binding: object) => planPorts(both, published, { PortBindingsRemove: { '80/tcp': [binding] } });
    assert.deepEqual(take({}).bindings, {});
    assert.equal(take({}).live.remove.length, 2);
    assert.deepEqual(take({ HostPort: '32768' }).bindings, { '80/tcp': [fixed] });
    assert.deepEqual(take(fixed).live.remove, [{ port: '80/tcp', hostIp: '127.0.0.1', hostPort: '8080' }]);
    assert.throws(() => take({ HostPort: '1' }), /container n does not publish 80\/tcp at 0\.0\.0\.0:1/);
    const added = planPorts(both, published, { PortBindingsAdd: { '53/udp': null } });
    assert.deepEqual([added.bindings['53/udp'], added.live], [[{}], { add: { '53/udp': [{}] }, remove: [] }]);
  });

  it('of --publish-all stay, and the host network has none', () => {
    const all = record({ PublishAllPorts: true });
    const published = { '80/tcp': [fixed] };
    assert.throws(
      () => planPorts(all, published, { PortBindingsRemove: { '80/tcp': null } }),
      /published by --publish-all/,
    );
    assert.throws(() => planPorts(record({ NetworkMode: 'host' }), {}, { PortBindingsAdd: { '80/tcp': null } }), {
      kind: 'invalid',
    });
  });
});

describe('a definition', () => {
  it('takes labels, environment, mounts and command', () => {
    const tmpfs = { Type: 'tmpfs', Target: '/m' };
    const before = record(
      { Binds: ['/:/b'], Tmpfs: { '/t': '' }, Mounts: [tmpfs] },
      { Env: ['A=1', 'B=2'], Labels: { l: '1' }, Entrypoint: ['e'], Cmd: ['c'] },
    );
    const request: UpdateRequest = {
      ...{ EnvAdd: ['A=3', 'C='], EnvRemove: ['B'], LabelsAdd: { k: '' }, LabelsRemove: ['l'] },
      ...{ MountsRemove: ['/b', '/t', '/m'], MountsAdd: [{ Type: 'tmpfs', Target: '/new' }], Cmd: ['x', 'y'] },
    };
    const { config, host, path, args } = updatedDefinition(store, before, before.host, request);
    assert.deepEqual([config.Env, config.Labels, config.Cmd], [['A=3', 'C='], { k: '' }, ['x', 'y']]);
    assert.deepEqual([host.Binds, host.Tmpfs, host.Mounts], [[], {}, [{ Type: 'tmpfs', Target: '/new' }]]);
    assert.deepEqual([path, args], ['e', ['x', 'y']]);
    assert.throws(
      () => updatedDefinition(store, before, before.host, { MountsAdd: [tmpfs] }),
      /Duplicate mount point: \/m/,
    );
  });

  it('of a container of --rm takes no policy', () => {
    const host: HostConfig = { AutoRemove: true };
    assert.throws(() => updatedPolicy(host, { RestartPolicy: { Name: 'always' } }), { kind: 'conflict' });
    assert.equal(updatedPolicy(host, { RestartPolicy: { Name: '' } }), host);
  });

  it('is compared part by part, and the list of changes is bounded', () => {
    const before = record({ Memory: 1 }, { Env: ['A=1=2'], Labels: { same: 'x' } });
    const after = { ...before, host: { ...before.host, Memory: 2 }, config: { Env: ['A=3'], Labels: { same: 'x' } } };
    const changes = recordChanges([], before, after);
    assert.deepEqual(
      changes.map(({ Field, Old, New }) => [Field, Old, New]),
      [
        ['HostConfig.Memory', 1, 2],
        ['Config.Env.A', '1=2', '3'],
      ],
    );
    const many = Array.from({ length: 99 }, () => ({ Time: '', Field: 'old', Old: null, New: null }));
    const kept = recordChanges(many, before, after);
    assert.deepEqual([kept.length, kept[0]?.Field, kept.at(-1)?.Field], [100, 'old', 'Config.Env.A']);
  });
});
