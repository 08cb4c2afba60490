import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { run, runChecked } from '../../src/base/process.ts';
import { listMounts, mount, unmount } from '../../src/host/mount.ts';
import {
  compareSnapshots,
  type Difference,
  formatDifferences,
  isRelevantGroup,
  parseRuleset,
  type Snapshot,
  takeSnapshot,
} from './leaks.ts';
import { isLinkOfModule, isMountOfOthers } from './leaks-by-others.ts';
import { descendants, parseStat } from './leaks-processes.ts';

const empty: Snapshot = {
  processes: [],
  mounts: [],
  'network namespaces': [],
  links: [],
  'nft rules': [],
  cgroups: [],
  sysctls: [],
  'loop devices': [],
  directories: [],
};

/** What appears in `subject` between two looks at the machine; other tests run at the same time, so only asked for by name. */
function additions(before: Snapshot, subject: Difference['subject']): string {
  return compareSnapshots(before, takeSnapshot())
    .filter((each) => each.subject === subject && each.change === 'added')
    .map(({ name }) => name)
    .join('\n');
}

describe('comparing two snapshots', () => {
  it('names what came and what went, by subject', () => {
    const differences = compareSnapshots({ ...empty, links: ['eth0', 'lo'] }, { ...empty, links: ['lo', 'tug0'] });
    assert.equal(formatDifferences(differences), '  links: + tug0\n  links: - eth0\n');
  });

  it('finds nothing between equal ones', () => {
    assert.deepEqual(compareSnapshots({ ...empty, mounts: ['a', 'a'] }, { ...empty, mounts: ['a', 'a'] }), []);
  });

  it('counts a line that is there twice', () => {
    const differences = compareSnapshots({ ...empty, mounts: ['a'] }, { ...empty, mounts: ['a', 'a'] });
    assert.deepEqual(differences, [{ subject: 'mounts', change: 'added', name: 'a' }]);
  });
});

describe('what is no leak', () => {
  it('is a setting that came or went with its link or module; one that changed is', () => {
    const before = { ...empty, sysctls: ['a/ip_forward = 0', 'conf/eth0/route_localnet = 0'] };
    const after = { ...empty, sysctls: ['a/ip_forward = 1', 'bridge/bridge-nf-call-iptables = 1'] };
    const differences = compareSnapshots(before, after);
    assert.equal(formatDifferences(differences), '  sysctls: + a/ip_forward = 1\n  sysctls: - a/ip_forward = 0\n');
  });

  it('is a mount, a link or a group that the machine makes by itself', () => {
    assert.deepEqual(
      ['/run/user/0', '/run/netns', '/run/netns/a', '/run/tug/x', '/proc/sys/fs/binfmt_misc'].map(isMountOfOthers),
      [true, true, false, false, true],
    );
    assert.deepEqual(['dummy0', 'ip6tnl0', 'tug0', 'eth0', 'dummy00'].map(isLinkOfModule), [
      true,
      true,
      false,
      false,
      false,
    ]);
    assert.deepEqual(['user.slice', 'proc-sys-fs-binfmt_misc.mount', 'tug.slice', 'docker'].map(isRelevantGroup), [
      false,
      false,
      true,
      true,
    ]);
  });
});

describe('a snapshot', () => {
  it('shows a mount, a directory and a process that a test leaves', async () => {
    const before = takeSnapshot();
    const folder = mkdtempSync('/tmp/tug-leak-');
    mount('tmpfs', folder, 'tmpfs');
    const child = spawn('sleep', ['1000']);
    try {
      assert.match(additions(before, 'mounts'), new RegExp(`^${folder} \\(tmpfs from tmpfs\\)$`, 'm'));
      assert.match(additions(before, 'directories'), new RegExp(`^${folder}$`, 'm'));
      assert.match(additions(before, 'processes'), new RegExp(`^${child.pid} sleep 1000$`, 'm'));
    } finally {
      child.kill('SIGKILL');
      unmount(folder);
      rmdirSync(folder);
    }
  });

  it('shows a link, a named network namespace and a firewall rule', async () => {
    const before = takeSnapshot();
    const name = `tgleak${process.pid % 10_000}`;
    try {
      await runChecked('ip', ['link', 'add', name, 'type', 'bridge']);
      await runChecked('ip', ['netns', 'add', name]);
      await runChecked('nft', ['-f', '-'], { input: `table ip ${name} {\nchain c {\nip saddr 192.0.2.1 drop\n}\n}\n` });
      assert.match(additions(before, 'links'), new RegExp(`^${name}$`, 'm'));
      assert.match(additions(before, 'network namespaces'), new RegExp(`^/run/netns/${name}$`, 'm'));
      assert.match(
        additions(before, 'nft rules'),
        new RegExp(`^table ip ${name} > chain c > ip saddr 192.0.2.1 drop$`, 'm'),
      );
    } finally {
      await run('ip', ['link', 'delete', name]);
      await run('ip', ['netns', 'delete', name]);
      await run('nft', ['delete', 'table', 'ip', name]);
    }
  });

  it('shows a control group of tug, and none that belongs to init', () => {
    const hierarchy = listMounts().find(({ type }) => type === 'cgroup' || type === 'cgroup2')?.target;
    assert.ok(hierarchy);
    const before = takeSnapshot();
    const group = path.join(hierarchy, `tug-leak-${process.pid}`);
    mkdirSync(group);
    try {
      assert.match(additions(before, 'cgroups'), new RegExp(`^${group}$`, 'm'));
    } finally {
      rmdirSync(group);
    }
    assert.equal(isRelevantGroup('system.slice/cron.service'), false);
    assert.equal(isRelevantGroup('system.slice/tug-12.scope'), true);
    assert.equal(isRelevantGroup(`custom/${'ab'.repeat(32)}`), true);
    assert.equal(isRelevantGroup('custom'), true);
  });
});

describe('the firewall rules', () => {
  it('are told apart by table and chain, with sets of several lines', () => {
    const text = `table ip a {
\tset ports {
\t\ttype inet_service
\t\telements = { 80,
\t\t\t     443 }
\t}

\tchain c {
\t\ttype filter hook forward priority filter; policy accept;
\t\tdrop
\t}
}`;
    assert.deepEqual(parseRuleset(text), [
      'table ip a',
      'table ip a > chain c',
      'table ip a > chain c > drop',
      'table ip a > chain c > type filter hook forward priority filter; policy accept;',
      'table ip a > set ports',
      'table ip a > set ports > 443 }',
      'table ip a > set ports > elements = { 80,',
      'table ip a > set ports > type inet_service',
    ]);
  });
});

describe('processes', () => {
  it('are read also with parentheses and blanks in the name', () => {
    assert.deepEqual(parseStat('42 (a) (b c) S 7 1 1 0', ''), { pid: 42, parent: 7, state: 'S', command: '[a) (b c]' });
    assert.equal(parseStat('42 (sh) S 7 1', 'sh\0-c\0true\0').command, 'sh -c true');
  });

  it('are followed over generations, without those that have ended', () => {
    const entry = (pid: number, parent: number, state = 'S') => ({ pid, parent, state, command: `p${pid}` });
    const all = [entry(9, 4), entry(2, 1), entry(4, 2), entry(5, 1), entry(6, 2, 'Z')];
    assert.deepEqual(
      descendants(2, all).map(({ pid }) => pid),
      [4, 9],
    );
  });

  it('stay known when their parent ends, are reaped when they end, and are killed at the end', async () => {
    const helper = path.join(import.meta.dirname, 'leaks-processes.ts');
    const script = `
      import { spawn } from 'node:child_process';
      import { adoptOrphans, descendants, killDescendants, listProcesses } from ${JSON.stringify(helper)};
      const own = new Set();
      const adopting = adoptOrphans(own);
      const shell = spawn('sh', ['-c', 'setsid sleep 1001 & setsid sleep 0.05 & exit 0'], { stdio: 'ignore' });
      own.add(shell.pid);
      await new Promise((resolve) => shell.on('close', resolve));
      const children = () => listProcesses().filter(({ parent }) => parent === process.pid);
      const awake = setInterval(() => {}, 1000);
      while (children().length !== 1) await new Promise((resolve) => process.once('SIGCHLD', () => setImmediate(resolve)));
      console.log(descendants(process.pid).map(({ command }) => command).join());
      await killDescendants(60_000);
      console.log(descendants(process.pid).length);
      clearInterval(awake);
      adopting[Symbol.dispose]();`;
    const result = await run(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 300_000,
      cwd: os.tmpdir(),
    });
    assert.deepEqual(result, { code: 0, stdout: 'sleep 1001\n0\n', stderr: '' });
  });
});
