import assert from 'node:assert/strict';
import * as os from 'node:os';
import { describe, it } from 'node:test';
import { doctorCommand, formatReport, runDoctor } from './doctor.ts';
import type { DoctorFacts } from './facts.ts';
import { gatherCgroupFacts } from './gather-cgroups.ts';
import type { CheckResult } from './result.ts';

const program = (name: string) => ({ path: `/usr/bin/${name}`, version: `${name} version 1` });

/** A machine on which everything is well; a test says what is different. */
const healthy: DoctorFacts = {
  kernel: { release: '6.1.0-26-amd64', architecture: 'x86_64' },
  cgroup: {
    mode: 'v2',
    unified: ['cpu', 'memory', 'pids', 'cpuset'],
    unmounted: [],
    usable: ['cpu', 'memory', 'pids', 'cpuset'],
  },
  overlay: { error: undefined, fileSystem: 'ext4' },
  userNamespaces: { limit: 1000, error: undefined },
  programs: { crun: program('crun'), runc: program('runc'), conmon: program('conmon'), nft: program('nft') },
  network: { bridgeError: undefined, natError: undefined, forwarding: true, droppingChains: [], ownedChains: [] },
  security: { seccomp: true, selinux: 'disabled', apparmor: 'off' },
  disk: { dataRoot: '/var/lib/tug', freeBytes: 50e9, freeInodes: 1e6 },
  installer: 'apt-get install',
};

function check(name: string, changes: Partial<DoctorFacts>): CheckResult {
  const result = runDoctor({ ...healthy, ...changes }).find((each) => each.name === name);
  assert.ok(result, `no check is called ${name}`);
  return result;
}

describe('doctor', () => {
  it('finds nothing wrong with a healthy machine', () => {
    assert.deepEqual(
      runDoctor(healthy).filter(({ status }) => status !== 'ok'),
      [],
    );
  });

  it('refuses an old kernel and warns of a middling one', () => {
    const kernel = (release: string): string => check('kernel', { kernel: { release, architecture: 'x86_64' } }).status;
    assert.deepEqual(['3.10.0-1160.el7', '4.18.0-553.el8', '5.4.0', '6.18.44-fc'].map(kernel), [
      'failed',
      'warning',
      'ok',
      'ok',
    ]);
  });

  it('explains a hybrid cgroup setup and what tugd does about it', () => {
    const cgroup = {
      mode: 'hybrid',
      unified: ['hugetlb'],
      unmounted: ['hugetlb', 'net_cls'],
      usable: ['cpu', 'memory', 'pids', 'cpuset'],
    } as const;
    const result = check('cgroups', { cgroup });
    assert.equal(result.status, 'ok');
    assert.match(
      result.sentence,
      /still holds hugetlb, which crun refuses: tugd mounts the missing v1 hierarchies \(hugetlb, net_cls\)/,
    );
    assert.match(check('runtimes', { cgroup }).sentence, /crun accepts this cgroup setup once/);
  });

  it('takes a settled hybrid and plain v1 for fine', () => {
    const usable = healthy.cgroup.usable;
    assert.match(
      check('cgroups', { cgroup: { mode: 'hybrid', unified: [], unmounted: [], usable } }).sentence,
      /^hybrid: limits are v1/,
    );
    assert.match(check('cgroups', { cgroup: { mode: 'v1', unified: [], unmounted: [], usable } }).sentence, /^v1/);
  });

  it('says which limits cannot be set', () => {
    const result = check('cgroups', { cgroup: { ...healthy.cgroup, usable: ['cpu', 'pids', 'cpuset'] } });
    assert.equal(result.status, 'warning');
    assert.match(result.sentence, /no memory controller/);
    assert.match(result.remedy ?? '', /cgroup_enable=memory/);
    assert.equal(check('cgroups', { cgroup: { ...healthy.cgroup, mode: undefined } }).status, 'failed');
  });

  it('points to vfs where overlayfs does not work', () => {
    const result = check('overlayfs', { overlay: { error: 'EINVAL: mount', fileSystem: 'nfs' } });
    assert.equal(result.status, 'warning');
    assert.match(`${result.sentence} ${result.remedy}`, /\(nfs\): EINVAL.*vfs/);
  });

  it('needs one runtime, and conmon and nft', () => {
    const programs = healthy.programs;
    assert.equal(check('runtimes', { programs: { ...programs, runc: undefined } }).status, 'ok');
    assert.equal(check('runtimes', { programs: { ...programs, crun: undefined } }).status, 'warning');
    const none = check('runtimes', { programs: { ...programs, crun: undefined, runc: undefined } });
    assert.deepEqual([none.status, none.remedy], ['failed', 'apt-get install crun']);
    const broken = check('runtimes', {
      programs: { ...programs, crun: { path: '/usr/bin/crun', version: '' }, runc: undefined },
    });
    assert.equal(broken.status, 'failed');
    assert.equal(check('conmon', { programs: { ...programs, conmon: undefined } }).remedy, 'apt-get install conmon');
    assert.equal(
      check('nft', { programs: { ...programs, nft: undefined }, installer: 'dnf install' }).remedy,
      'dnf install nftables',
    );
    assert.equal(
      check('nft', { programs: { ...programs, nft: undefined }, installer: undefined }).remedy,
      'install the package nftables',
    );
  });

  it('names a firewall that drops forwarded packets, and the rule that lets containers through', () => {
    const result = check('forwarding', { network: { ...healthy.network, droppingChains: ['ip filter FORWARD'] } });
    assert.equal(result.status, 'warning');
    assert.match(result.remedy ?? '', /nft insert rule ip filter FORWARD iifname "tug\*" accept/);
    assert.match(
      check('forwarding', { network: { ...healthy.network, forwarding: false } }).sentence,
      /tugd turns it on/,
    );
  });

  it('names a firewall whose table is closed to others, and its own way to let containers through', () => {
    const ownedChains = ['inet firewalld filter_FORWARD'];
    const engine = { intact: true, added: [] };
    const result = check('forwarding', { network: { ...healthy.network, ownedChains, engine } });
    assert.equal(result.status, 'warning');
    assert.match(result.remedy ?? '', /firewall-cmd .*--add-interface/);
  });

  it('says what keeps bridges from working', () => {
    assert.equal(check('bridge', { network: { ...healthy.network, bridgeError: 'EOPNOTSUPP' } }).status, 'failed');
    assert.equal(check('bridge', { network: { ...healthy.network, natError: 'no masquerade' } }).status, 'failed');
  });

  it('tells what the engine added to the firewall, and whether it is there still', () => {
    const network = { ...healthy.network, droppingChains: ['ip filter FORWARD'] };
    const added = ['table inet tug-1: 40 rules', 'ip filter FORWARD: 2 accepts'];
    assert.equal(check('forwarding', { network }).status, 'warning');
    assert.equal(check('forwarding', { network: { ...network, engine: { intact: true, added } } }).status, 'ok');
    const there = check('rules', { network: { ...network, engine: { intact: true, added } } });
    assert.equal(there.sentence, `the engine has added: ${added.join('; ')}.`);
    const gone = check('rules', { network: { ...network, engine: { intact: false, added: [] } } });
    assert.deepEqual([gone.status, gone.remedy], ['warning', 'tug doctor --repair']);
  });

  it('reports user namespaces, seccomp, security modules and the disk', () => {
    assert.equal(check('user namespaces', { userNamespaces: { limit: 0, error: undefined } }).status, 'warning');
    assert.equal(check('user namespaces', { userNamespaces: { limit: 10, error: 'EPERM' } }).status, 'warning');
    assert.equal(check('seccomp', { security: { ...healthy.security, seccomp: false } }).status, 'warning');
    const both = check('SELinux/AppArmor', { security: { seccomp: true, selinux: 'enforcing', apparmor: 'on' } });
    assert.equal(both.sentence, 'AppArmor is on, SELinux is enforcing.');
    const apparmor = (state: DoctorFacts['security']['apparmor']) =>
      check('SELinux/AppArmor', { security: { ...healthy.security, apparmor: state } });
    assert.match(apparmor('off').sentence, /neither is active/);
    assert.deepEqual(
      [apparmor('bare').status, apparmor('bare').remedy],
      ['warning', 'apt-get install apparmor, then start the engine again'],
    );
    assert.match(apparmor('bare').sentence, /AppArmor is on, but apparmor_parser is not installed/);
    assert.deepEqual(
      [apparmor('hidden').status, /^mount -t securityfs/.test(apparmor('hidden').remedy ?? '')],
      ['warning', true],
    );
    const disk = (freeBytes: number): string => check('disk', { disk: { ...healthy.disk, freeBytes } }).status;
    assert.deepEqual([5e7, 1e9, 1e10].map(disk), ['failed', 'warning', 'ok']);
  });
});

describe('the report', () => {
  it('shows marks, remedies and one closing line', () => {
    const text = formatReport([
      { name: 'a', status: 'ok', sentence: 'is fine.' },
      { name: 'bcd', status: 'failed', sentence: 'is missing.', remedy: 'install it' },
    ]);
    assert.equal(
      text,
      '✔ a    is fine.\n✖ bcd  is missing.\n       to mend it: install it\n1 of 2 checks failed: containers cannot run here yet.\n',
    );
  });

  it('is made of this machine, without changing it', async () => {
    let text = '';
    const code = await doctorCommand(`${os.tmpdir()}/not/there`, (part) => {
      text += part;
    });
    assert.match(text, /kernel +Linux \d/);
    assert.equal(code, text.includes('✖') ? 1 : 0);
  });
});

describe('what doctor reads', () => {
  it('takes a host without hierarchies for one that cannot limit', () => {
    const none = { mode: 'v1', v1: new Map([['name=systemd', '/x']]), unified: undefined, missing: ['cpu'] } as const;
    assert.deepEqual(gatherCgroupFacts(none), { mode: undefined, unified: [], unmounted: ['cpu'], usable: [] });
    const some = {
      ...none,
      v1: new Map([
        ['memory', '/m'],
        ['name=systemd', '/x'],
      ]),
    };
    assert.deepEqual(gatherCgroupFacts(some), { mode: 'v1', unified: [], unmounted: ['cpu'], usable: ['memory'] });
  });
});
