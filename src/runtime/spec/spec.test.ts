import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostConfig } from '../../api/types/container.ts';
import { allCapabilities, defaultCapabilities, ownCapabilities, resolveCapabilities } from './capabilities.ts';
import { parseDeviceRule } from './devices.ts';
import { buildResources, splitDevice } from './resources.ts';
import { defaultSeccompProfile } from './seccomp.ts';
import { parseSeccompProfile } from './seccomp-profile.ts';
import { parseSecurityOptions, type SecurityModules } from './security.ts';
import { buildSpec } from './spec.ts';

const spec = (host: HostConfig, uid = 0, more: Partial<Parameters<typeof buildSpec>[0]> = {}) =>
  buildSpec({
    rootfs: '/r',
    hostname: 'h',
    domainname: '',
    args: ['sh'],
    env: ['A=1'],
    cwd: '/',
    terminal: true,
    user: { uid, gid: uid, additionalGids: [] },
    host,
    mounts: [{ destination: '/etc/hosts', type: 'bind', source: '/x', options: ['rbind'] }],
    network: { kind: 'path', path: '/run/ns' },
    cgroupsPath: '/tug/c',
    joined: {},
    cpus: 2,
    seccompAvailable: true,
    ...more,
  });

describe('the OCI spec of a container', () => {
  it('isolates by default: own namespaces, masked paths, default capabilities, seccomp', () => {
    const { linux, process, root } = spec({});
    assert.deepEqual(
      linux.namespaces.map(({ type }) => type),
      ['mount', 'network', 'pid', 'uts', 'ipc', 'cgroup'],
    );
    assert.ok(linux.maskedPaths?.includes('/proc/kcore'));
    assert.ok(linux.readonlyPaths?.includes('/proc/sys'));
    assert.deepEqual([...process.capabilities.bounding].sort(), [...defaultCapabilities].sort());
    assert.ok(linux.seccomp);
    assert.equal(root.readonly, false);
    assert.deepEqual(linux.resources.devices?.[0], { allow: false, access: 'rwm' });
  });

  it('lifts all of it with --privileged and nothing less', () => {
    const { linux, process, mounts } = spec({ Privileged: true });
    assert.equal(linux.seccomp, undefined);
    assert.equal(linux.maskedPaths, undefined);
    assert.deepEqual(process.capabilities.effective, ownCapabilities());
    assert.deepEqual(linux.resources.devices, [{ allow: true, access: 'rwm' }]);
    assert.ok(mounts.find(({ destination }) => destination === '/sys')?.options?.includes('rw'));
  });

  it('gives a user who is not root no effective capabilities', () => {
    assert.deepEqual(spec({}, 1000).process.capabilities.effective, []);
    assert.ok(spec({}, 1000).process.capabilities.bounding.length > 0);
  });

  it('shares the namespaces of the host that are asked for', () => {
    const types = spec({ PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' }).linux.namespaces;
    assert.deepEqual(
      types.map(({ type }) => type),
      ['mount', 'network'],
    );
  });

  it("lets a mount of the user's replace a default one", () => {
    const mounts = spec({ ShmSize: 1024 }).mounts;
    assert.equal(mounts.filter(({ destination }) => destination === '/dev/shm').length, 1);
    assert.ok(mounts.find(({ destination }) => destination === '/dev/shm')?.options?.includes('size=1024'));
  });
});

describe('capabilities', () => {
  it('are added and dropped as Docker does it', () => {
    const of = (add: string[], drop: string[]) =>
      resolveCapabilities({ privileged: false, add, drop }, allCapabilities);
    assert.deepEqual(of([], ['ALL']), []);
    assert.deepEqual(of(['NET_ADMIN'], ['ALL']), ['CAP_NET_ADMIN']);
    assert.equal(of(['ALL'], []).length, allCapabilities.length);
    assert.ok(!of(['ALL'], ['mknod']).includes('CAP_MKNOD'));
    assert.ok(!of([], ['cap_kill']).includes('CAP_KILL'));
    assert.throws(() => of(['NOPE'], []), /invalid CapAdd: unknown capability: "CAP_NOPE"/);
    const few = () => resolveCapabilities({ privileged: false, add: ['SYS_TIME'], drop: [] }, defaultCapabilities);
    assert.throws(few, { kind: 'unsupported', message: /CAP_SYS_TIME: the engine itself does not have it/ });
  });

  it('open the system calls that go with them', () => {
    const allowed = (capabilities: string[]) =>
      defaultSeccompProfile(capabilities).syscalls.flatMap(({ names, action }) =>
        action.endsWith('ALLOW') ? names : [],
      );
    assert.ok(!allowed([...defaultCapabilities]).includes('mount'));
    assert.ok(allowed(['CAP_SYS_ADMIN']).includes('mount'));
    assert.ok(!allowed([...defaultCapabilities]).includes('keyctl'));
  });
});

describe('limits', () => {
  const of = (host: HostConfig) => buildResources(host, 2);
  it('become OCI resources', () => {
    assert.deepEqual(of({}), {});
    assert.deepEqual(of({ Memory: 67108864, NanoCpus: 500_000_000, PidsLimit: 10 }), {
      memory: { limit: 67108864, swap: 134217728 },
      cpu: { period: 100_000, quota: 50_000 },
      pids: { limit: 10 },
    });
    assert.deepEqual(of({ PidsLimit: -1, CpuQuota: -1 }), {}, 'no limit is what a new group has');
    for (const bad of [{ CpusetCpus: 'x' }, { CpusetCpus: '5-2' }, { CpusetMems: '-1' }, { CpuRealtimeRuntime: -1 }])
      assert.throws(() => of(bad), { kind: 'invalid' });
    assert.throws(
      () => of({ CpusetCpus: '0,9999' }),
      /Requested CPUs are not available - requested 0,9999, available: 0/,
    );
  });

  it('out of range or at odds are refused in a sentence', () => {
    const bad: [HostConfig, RegExp][] = [
      [{ Memory: -1 }, /invalid memory limit -1/],
      [{ Memory: 1024 }, /Minimum memory limit allowed is 6MB/],
      [{ MemorySwap: 1 << 30 }, /always set the Memory limit/],
      [{ Memory: 64 << 20, MemorySwap: 32 << 20 }, /larger than memory limit/],
      [{ NanoCpus: 3e9 }, /only 2 CPUs available/],
      [{ NanoCpus: 1e9, CpuQuota: 5000 }, /cannot both be set/],
      [{ BlkioWeight: 5 }, /from 10 to 1000/],
      [{ MemorySwappiness: 101 }, /0-100/],
    ];
    for (const [host, sentence] of bad) assert.throws(() => of(host), { kind: 'invalid', message: sentence });
  });
});

describe('user namespaces and security modules in the OCI spec', () => {
  it('names the user namespace and its ids', () => {
    const range = [{ inside: 0, outside: 100000, count: 65536 }];
    const { linux } = spec({}, 0, { userNamespace: { path: '/proc/1/fd/9', maps: { uids: range, gids: range } } });
    const ids = [{ containerID: 0, hostID: 100000, size: 65536 }];
    assert.deepEqual([linux.uidMappings, linux.gidMappings], [ids, ids]);
    assert.deepEqual(linux.namespaces[1], { type: 'user', path: '/proc/1/fd/9' });
    assert.equal(spec({}).linux.uidMappings, undefined);
  });

  it('carries labels, of an unconfined one for its files only', () => {
    const confined = spec({}, 0, { labels: { process: 'p:s0', mount: 'm:s0' } });
    assert.deepEqual([confined.process.selinuxLabel, confined.linux.mountLabel], ['p:s0', 'm:s0']);
    const free = spec({}, 0, { labels: { process: '', mount: 'm:s0' } });
    assert.deepEqual([free.process.selinuxLabel, free.linux.mountLabel], [undefined, 'm:s0']);
  });

  it('carries the AppArmor profile where the host has AppArmor', () => {
    const host = { defaultProfile: 'docker-default' };
    const profile = (SecurityOpt: string[], Privileged = false, apparmor: SecurityModules['apparmor'] = host) =>
      spec({ SecurityOpt, Privileged }, 0, { modules: { apparmor } }).process.apparmorProfile;
    assert.equal(profile(['apparmor=web']), 'web');
    assert.equal(profile(['apparmor:unconfined']), 'unconfined');
    assert.equal(profile([], true), 'unconfined');
    assert.equal(profile(['apparmor=web'], true), 'web');
    assert.equal(profile([]), 'docker-default');
    assert.equal(profile(['apparmor=']), 'docker-default');
    assert.equal(profile([], false, { defaultProfile: undefined }), undefined);
    assert.equal(profile([], true, { defaultProfile: undefined }), 'unconfined');
    const off = { ...spec({ SecurityOpt: ['apparmor=unconfined'], Privileged: true }).process };
    assert.equal(off.apparmorProfile, undefined);
  });
});

describe('security options', () => {
  const of = (...options: string[]) => parseSecurityOptions(options, [], false, true);
  it('are understood in both spellings', () => {
    assert.equal(of('no-new-privileges').noNewPrivileges, true);
    assert.equal(of('no-new-privileges:false').noNewPrivileges, false);
    assert.equal(of('seccomp=unconfined').seccomp, undefined);
    assert.deepEqual(of('seccomp={"defaultAction":"SCMP_ACT_ALLOW"}').seccomp, {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [],
    });
    assert.equal(of('systempaths=unconfined').unmasked, true);
  });

  it('that this host cannot honour, or that do not exist, are refused', () => {
    assert.throws(() => of('apparmor=my-profile'), { kind: 'unsupported', message: /AppArmor is not active/ });
    assert.throws(() => of('nope=1'), { kind: 'invalid' });
    assert.throws(() => of('seccomp={'), { kind: 'invalid', message: /Decoding seccomp profile failed/ });
  });
});

describe('a seccomp profile of the user', () => {
  const text = JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
    syscalls: [
      { name: 'read', action: 'SCMP_ACT_ALLOW', args: null },
      { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['clone'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_ADMIN'] } },
      { names: ['s390'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['s390x'] } },
      { names: ['ptrace'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } },
      { names: ['future'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '99.0' } },
    ],
  });
  const calls = (capabilities: string[]) =>
    parseSeccompProfile(text, capabilities).syscalls.flatMap(({ names }) => names);

  it("is turned into the OCI section, Docker's conditions decided", () => {
    assert.deepEqual(calls([]), ['read', 'clone', 'ptrace']);
    assert.deepEqual(calls(['CAP_SYS_ADMIN']), ['read', 'mount', 'ptrace']);
  });

  it('of a wrong shape is refused with the place', () => {
    assert.throws(() => parseSeccompProfile('{"defaultAction":1}', []), { kind: 'invalid', message: /defaultAction/ });
  });
});

describe('device rules', () => {
  it('are parsed strictly', () => {
    assert.deepEqual(parseDeviceRule('c 1:* rw'), { allow: true, type: 'c', major: 1, access: 'rw' });
    assert.throws(() => parseDeviceRule('c 1 rw'), /invalid device cgroup rule format/);
  });

  it('split a device number as the kernel packs it', () => {
    assert.deepEqual(splitDevice(0x0801), { major: 8, minor: 1 });
    assert.deepEqual(splitDevice(0x100103), { major: 1, minor: 0x103 });
  });
});
