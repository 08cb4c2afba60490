import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import type { ContainerStats } from '../../src/api/types/container-stats.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';

// Runs in the guest whose init is systemd: control groups that systemd makes.

const patience = 300_000;
const MiB = 1024 * 1024;
const args = ['--exec-opt', 'native.cgroupdriver=systemd'];

for (const runtime of ['crun', 'runc']) {
  it(`${runtime} has systemd make the groups, which are limited, measured, changed and removed`, {
    timeout: patience,
  }, async () => {
    await using engine = await startEngine({ timeout: patience, args: [...args, '--default-runtime', runtime] });
    await starterImage(engine);
    const tug = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await engine.tug(words, { timeout: patience });
      assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
      return stdout.trim();
    };
    assert.equal(await tug('info', '--format', '{{.CgroupDriver}}'), 'systemd');
    const limits = ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '20'];
    const id = await tug('run', '-d', '--name', 'web', ...limits, 'busybox', 'sh', '-c', 'while :; do :; done');
    const { State } = (await engine.api('GET', '/containers/web/json')).json<ContainerInspect>();
    const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${State.Pid}/cgroup`, 'utf8'))?.[1] ?? '';
    assert.match(group, new RegExp(`^/system\\.slice/tug-\\w+-${id}\\.scope(/container)?$`));
    const unit = group.split('/')[2] ?? '';
    const file = (name: string): string => readFileSync(`/sys/fs/cgroup${group}/${name}`, 'utf8').trim();
    const property = (name: string): string =>
      execFileSync('systemctl', ['show', '-P', name, unit], { encoding: 'utf8' }).trim();
    assert.deepEqual(
      [file('memory.max'), file('cpu.max'), file('pids.max'), property('ActiveState')],
      [String(64 * MiB), '50000 100000', '20', 'active'],
    );

    const stats = (await engine.api('GET', '/containers/web/stats?stream=false')).json<ContainerStats>();
    assert.deepEqual([stats.memory_stats.limit, stats.pids_stats.limit], [64 * MiB, 20]);
    assert.match(await tug('top', 'web'), /while/);
    await tug('exec', 'web', 'true');

    await tug('update', '--memory', '96m', '--memory-swap', '96m', '--pids-limit', '-1', 'web');
    execFileSync('systemctl', ['daemon-reload']);
    assert.deepEqual([file('memory.max'), file('pids.max')], [String(96 * MiB), 'max']);

    await tug('pause', 'web');
    await tug('unpause', 'web');
    await tug('restart', '-t', '0', 'web');
    await tug('rm', '-f', 'web');
    assert.ok(!existsSync(`/sys/fs/cgroup${group}`));
    assert.equal(property('LoadState'), 'not-found');
  });
}

it('takes a slice as the parent, and nothing else', { timeout: patience }, async () => {
  await using engine = await startEngine({ timeout: patience, args });
  await starterImage(engine);
  const show = ['busybox', 'cat', '/proc/self/cgroup'];
  const ran = await engine.tug(['run', '--rm', '--cgroupns', 'host', '--cgroup-parent', 'a-b.slice', ...show]);
  assert.match(ran.stdout, /^0::\/a\.slice\/a-b\.slice\/tug-\w+-\w+\.scope(\/container)?$/m, ran.stderr);
  const refused = await engine.tug(['create', '--cgroup-parent', '/a/b', 'busybox']);
  assert.match(refused.stderr, /cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"/);
});

it('a killed engine finds its scopes again, and removes those of nobody', { timeout: patience }, async () => {
  await using engine = await startEngine({ timeout: patience, args });
  await starterImage(engine);
  await engine.tug(['run', '-d', '--name', 'lives', 'busybox', 'sleep', '1000']);
  await engine.tug(['run', '-d', '--name', 'dies', 'busybox', 'sleep', '1000']);
  const pidOf = async (name: string) =>
    (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>().State.Pid;
  const dying = await pidOf('dies');
  await engine.kill();
  process.kill(dying, 'SIGKILL');
  await engine.restart();
  const scopes = execFileSync('systemctl', ['list-units', '--plain', '--no-legend', 'tug-*.scope'], {
    encoding: 'utf8',
  });
  assert.equal(scopes.trim().split('\n').length, 1, scopes);
  assert.equal((await engine.tug(['exec', 'lives', 'echo', 'there'])).stdout, 'there\n');
});
