import assert from 'node:assert/strict';
import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { splitDevice } from '../../src/runtime/spec/resources.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

/** Docker's fourteen default capabilities, as a mask of capability numbers (linux/capability.h). */
const defaultCapabilities = '00000000a80425fb';
const none = '0000000000000000';
const forever = ['sleep', '100000'];
const deviceNodes = 'console core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(
  ' ',
);

describe('a container as it sees itself', () => {
  let engine: TestEngine;
  let image = '';

  before(async () => {
    engine = await startEngine();
    image = await starterImage(engine);
    const ran = await engine.tug(['run', '-d', '--name', 'plain', image, ...forever]);
    assert.equal(ran.code, 0, ran.stderr);
  });
  after(async () => await engine?.[Symbol.asyncDispose]());

  /** Runs a script in a new container, and in an exec of one that has the same options. */
  const sh = async (script: string, ...options: string[]): Promise<string> => {
    const { stdout, stderr } = await engine.tug(['run', '--rm', ...options, image, 'sh', '-c', script]);
    return stdout + stderr;
  };
  const both = async (script: string): Promise<string> => {
    const inRun = await sh(script);
    const { stdout, stderr } = await engine.tug(['exec', 'plain', 'sh', '-c', script]);
    assert.equal(stdout + stderr, inRun, 'exec and run differ');
    return inRun;
  };
  const status = async (...options: string[]): Promise<Record<string, string>> =>
    fields(await sh('cat /proc/self/status', ...options));

  it('has the default capabilities, seccomp, and no more in an exec', async () => {
    const script = 'grep -E "^(Cap|Seccomp:|NoNewPrivs)" /proc/self/status';
    assert.deepEqual(fields(await both(script)), {
      CapInh: none,
      CapPrm: defaultCapabilities,
      CapEff: defaultCapabilities,
      CapBnd: defaultCapabilities,
      CapAmb: none,
      NoNewPrivs: '0',
      Seccomp: '2',
    });
  });

  it('has what was asked for, and only a privileged one has all', async () => {
    assert.equal((await status('--cap-drop', 'ALL'))['CapEff'], none);
    assert.equal((await status('--cap-drop', 'ALL', '--cap-add', 'CHOWN'))['CapBnd'], '0000000000000001');
    const asUser = await status('-u', '1000');
    assert.deepEqual([asUser['CapEff'], asUser['CapPrm'], asUser['Uid']], [none, none, '1000 1000 1000 1000']);
    assert.equal((await status('--security-opt', 'no-new-privileges'))['NoNewPrivs'], '1');
    assert.equal((await status('--security-opt', 'seccomp=unconfined'))['Seccomp'], '0');
    const privileged = await status('--privileged');
    assert.equal(privileged['Seccomp'], '0');
    assert.ok(BigInt(`0x${privileged['CapEff']}`) > BigInt(`0x${defaultCapabilities}`));
  });

  it('may not do what changes the host', async () => {
    const denied = [
      'unshare -U true',
      'unshare -m true',
      'unshare -n true',
      'nsenter -t 1 -u true',
      'mount -t tmpfs none /mnt',
      'mount -o remount,rw /proc/sys',
      'umount /proc/sys',
      'hostname other',
      'date -s 2001-01-01',
      'chroot /proc/1/root/.. umount /etc/hosts',
      'swapoff -a; swapoff /etc/hosts',
    ];
    for (const command of denied)
      assert.match(await both(`mkdir -p /mnt; ${command}`), /not permitted|denied/i, command);
  });

  it('finds /proc and /sys masked and read-only', async () => {
    const readOnly = ['/proc/sys/kernel/domainname', '/proc/sysrq-trigger', '/proc/irq/0/x', '/sys/x'];
    for (const file of readOnly) assert.match(await both(`echo x >${file}`), /Read-only file system|nonexistent/, file);
    // each controller of v1, or the one hierarchy of v2
    const groups = '$(ls /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null)';
    const joined = await both(
      `for file in ${groups}; do (echo 0 >$file) 2>&1 | grep -v "Read-only" && echo $file; done; echo done`,
    );
    assert.equal(joined, 'done\n');
    const masked = ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/interrupts', '/proc/acpi', '/proc/scsi'];
    masked.push('/sys/firmware', '/sys/devices/virtual/powercap');
    for (const file of masked) {
      if (!lstatSync(file, { throwIfNoEntry: false })) continue;
      const [empty] = await Promise.all([both(`if [ -d ${file} ]; then ls -A ${file}; else cat ${file}; fi`)]);
      assert.equal(empty, '', file);
    }
    assert.match(
      await sh('echo x >/proc/sys/kernel/domainname && echo changed', '--privileged', '--uts', 'private'),
      /changed/,
    );
  });

  it('has its own devices and cannot open others', async () => {
    assert.deepEqual((await sh('ls /dev', '-t')).trim().split(/\s+/).sort(), deviceNodes);
    const disk = splitDevice(statSync('/').dev);
    const opened = await both(`rm -f /disk; mknod /disk b ${disk.major} ${disk.minor}; head -c 1 /disk`);
    assert.match(opened, /not permitted/);
    assert.match(await both('rm -f /mem; mknod /mem c 1 1; head -c 1 /mem'), /not permitted/);
    assert.equal(await both('head -c 4 /dev/zero | wc -c; echo x >/dev/null'), '4\n');
  });

  it('has namespaces of its own and sees neither processes nor mounts of the host', async () => {
    for (const name of ['ipc', 'mnt', 'net', 'pid', 'uts']) {
      const { stdout } = await engine.tug(['exec', 'plain', 'readlink', `/proc/self/ns/${name}`]);
      assert.notEqual(stdout.trim(), readlinkSync(`/proc/self/ns/${name}`), name);
    }
    const processes = (await sh('cd /proc; echo [0-9]*')).trim();
    assert.equal(processes, '1', 'the shell alone');
    const mounts = (await sh('cat /proc/self/mountinfo')).trim().split('\n');
    for (const mount of mounts) {
      const [, , , root = '', target = ''] = mount.split(' ');
      assert.doesNotMatch(mount, / (shared|master):\d+ /, 'nothing propagates');
      const inside = /^\/(proc|sys|dev|etc\/(hosts|hostname|resolv\.conf))?(\/|$)/.test(target);
      assert.ok(inside, `${root} on ${target}`);
    }
    assert.equal(await both('ls -A /proc/1/root/run /var/run 2>/dev/null | grep -c docker.sock'), '0\n');
  });
});

/** `key: value` lines; blanks in values are made one. */
function fields(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/^(\w+):\s*(.*)$/gm)];
  return Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, value.trim().replace(/\s+/g, ' ')]));
}
