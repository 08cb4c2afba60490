import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as path from 'node:path';
import { it } from 'node:test';
import { allBut, apparmorProfile } from './apparmor.ts';

const rules = [...apparmorProfile.matchAll(/^ {2}deny (\/\S+) (\w+),$/gm)].map(([, pattern = '', modes = '']) => ({
  pattern: patternOf(pattern),
  modes,
}));

/** `**`, `{,**}`, `[^...]` and plain characters of apparmor.d(5), which is all the profile uses. */
function patternOf(text: string): RegExp {
  return new RegExp(`^${text.replace('{,**}', '.*').replaceAll('**', '.*').replaceAll('/', '\\/')}$`, 's');
}

const allowed = (file: string): string =>
  ['r', 'w'].filter((mode) => !rules.some(({ pattern, modes }) => modes.includes(mode) && pattern.test(file))).join('');

it('the default profile keeps containers from the settings of the kernel, and lets them have their own', () => {
  const table = {
    rw: [
      ...['/etc/passwd', '/proc', '/proc/1/oom_score_adj', '/proc/4711/task/4711/attr/exec', '/proc/9/uid_map'],
      ...['/proc/sys/kernel/shmmax', '/proc/sys/kernel/shm_rmid_forced', '/sys/fs/cgroup/a/memory.max', '/system/x'],
    ],
    r: [
      ...[
        '/proc/sys/kernel/core_pattern',
        '/proc/sys/kernel/sysrq',
        '/proc/sys/kernel/sem',
        '/proc/sys/vm/drop_caches',
      ],
      ...[
        '/proc/sys/net/ipv4/ip_forward',
        '/proc/sys/fs/file-max',
        '/proc/mtrr',
        '/proc/acpi/x',
        '/proc/irq/1/smp_affinity',
      ],
      ...['/proc/sysvipc/shm', '/proc/swaps', '/proc/bus/pci', '/proc/sys/keys/x', '/sys/power/state'],
      ...['/sys/fs/bpf/x', '/sys/fs/cgroup2', '/sys/devices/system/cpu/cpu1/online', '/sys/module/a/parameters/b'],
    ],
    '': [
      ...[
        '/proc/kcore',
        '/proc/sysrq-trigger',
        '/sys/firmware/',
        '/sys/firmware/efi/efivars/x',
        '/sys/kernel/security/apparmor/.load',
      ],
      '/sys/devices/virtual/powercap/intel-rapl/energy_uj',
    ],
  };
  for (const [modes, files] of Object.entries(table))
    for (const file of files) assert.equal(allowed(file), modes, file);
});

it('all but one name is all that differs from it somewhere', () => {
  assert.deepEqual(allBut('/p/', 'ab', '1-9'), ['/p/[^a1-9]**', '/p/a[^b]**']);
});

it('apparmor_parser takes the default profile without a word', (test) => {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  const args = ['--skip-kernel-load', '--skip-cache', '--stdout'];
  const { error, status, stdout, stderr } = spawnSync('apparmor_parser', args, {
    input: apparmorProfile,
    env: { ...process.env, PATH: folders.join(path.delimiter) },
  });
  if (error && 'code' in error && error.code === 'ENOENT') return test.skip('apparmor_parser is not installed');
  assert.ifError(error);
  assert.equal(status, 0, stderr.toString());
  assert.match(stdout.toString('latin1'), /docker-default/);
});
