import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { type RunResult, run, runChecked } from '../../src/base/process.ts';
import { readApparmor } from '../../src/host/apparmor.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// Runs in the guest: Debian's kernel has AppArmor, and its package the program that loads profiles.

const patience = { timeout: 900_000 };
const show = ['cat', '/proc/self/attr/current'];
const waits = `${show.join(' ')}; exec sleep 100000`;
const confined = 'docker-default (enforce)';
const custom = 'profile tug-web flags=(attach_disconnected,mediate_deleted) { file, capability, network, signal, }\n';
const notLoaded =
  /unable to apply apparmor profile: apparmor failed to apply profile: write \/proc\/self\/attr\/apparmor\/exec: no such file or directory/;

let engine: TestEngine;
let image: string;

before(async () => {
  engine = await startEngine(patience);
  image = await starterImage(engine);
  await runChecked('apparmor_parser', ['--add'], { input: custom });
});
after(() => engine?.[Symbol.asyncDispose]());

async function tug(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await engine.tug(args, { ...patience, input: '' });
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

const profileOf = async (name: string): Promise<string> =>
  (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>().AppArmorProfile;

it('the engine has loaded the default profile when it answers', async () => {
  const { kernel, profiles } = readApparmor();
  assert.equal(kernel, 'on');
  assert.ok(profiles.includes('docker-default'), profiles.join());
  assert.match(engine.log(), /loaded the AppArmor profile/);
  assert.match(await tug('info', '--format', '{{json .SecurityOptions}}'), /"name=apparmor"/);
  const { stdout } = await run(process.execPath, ['bin/tugd.mjs', 'doctor'], patience);
  assert.match(stdout, /AppArmor is on/);
});

for (const runtime of ['crun', 'runc'])
  describe(`with ${runtime}`, () => {
    const started = ['run', '--runtime', runtime];
    const option = (profile: string): string[] => ['--security-opt', `apparmor=${profile}`];

    it('a container and what is run in it have the default profile, the one they ask for, or none', async () => {
      const cases = [
        [[], 'docker-default', confined, 'unconfined'],
        [option('unconfined'), 'unconfined', 'unconfined', 'unconfined'],
        [['--privileged'], 'unconfined', 'unconfined', 'unconfined'],
        [option('tug-web'), 'tug-web', 'tug-web (enforce)', 'unconfined'],
        [['--security-opt', 'no-new-privileges'], 'docker-default', confined, 'unconfined'],
      ] as const;
      for (const [options, name, current, privileged] of cases) {
        await tug(...started, '-d', '--name', 'held', ...options, image, 'sh', '-c', waits);
        assert.equal(await profileOf('held'), name);
        assert.equal(await tug('exec', 'held', ...show), current, options.join(' '));
        assert.equal(await tug('exec', '--privileged', 'held', ...show), privileged);
        assert.equal(await tug('exec', '-t', 'held', ...show), current, 'under a monitor');
        assert.equal(await tug('logs', 'held'), current);
        await tug('rm', '-f', 'held');
      }
    });

    it('a profile that is not loaded is refused in the words of Docker', async () => {
      const line = ['run', '--rm', '--runtime', runtime, ...option('no-such-profile'), image, 'true'];
      const said = await engine.tug(line, patience);
      assert.deepEqual([said.code, notLoaded.test(said.stderr)], [127, true], said.stderr);
      const docker = await engine.docker(line, patience);
      assert.deepEqual([docker.code, notLoaded.test(docker.stderr)], [127, true], docker.stderr);
      assert.match(said.stderr, /the profile "no-such-profile" is not loaded/);
      assert.equal(await tug('ps', '-aq'), '', 'nothing is left of it');
    });

    it('stop, kill and restart reach a confined container, and its processes each other', async () => {
      const script =
        'sleep 1000 & kill $!; wait $!; code=$?; trap "exit 7" TERM; echo $code; while :; do sleep 0.1; done';
      await tug(...started, '-d', '--name', 'told', '--init', image, 'sh', '-c', script);
      while ((await tug('logs', 'told')) === '');
      assert.equal(await tug('logs', 'told'), '143');
      assert.match(await tug('exec', 'told', 'ls', '-l', '/proc/1/exe'), /docker-init/, 'they look at each other');
      await tug('stop', '-t', '200', 'told');
      assert.equal(await tug('inspect', '-f', '{{.State.ExitCode}}', 'told'), '7');
      await tug('start', 'told');
      await tug('kill', '-s', 'TERM', 'told');
      assert.equal(await tug('wait', 'told'), '7');
      await tug('rm', 'told');
    });

    it('it mounts nothing and writes no settings of the kernel, whatever else it may', async () => {
      const free = [
        '--cap-add',
        'ALL',
        '--security-opt',
        'seccomp=unconfined',
        '--security-opt',
        'systempaths=unconfined',
      ];
      const attempts = {
        mount: 'mkdir -p /m && mount -t tmpfs tmpfs /m',
        remount: 'mount -o remount,ro /dev/shm',
        sysctl: 'cat /proc/sys/kernel/hostname > /h && cat /h > /proc/sys/kernel/hostname',
        vm: 'cat /proc/sys/vm/swappiness > /h && cat /h > /proc/sys/vm/swappiness',
        sysrq: ': > /proc/sysrq-trigger',
        kcore: 'head -c 1 /proc/kcore',
        firmware: 'ls /sys/firmware/.',
      };
      const script = Object.entries(attempts)
        .map(([name, line]) => `( ${line} ) >/dev/null 2>&1 && echo ${name}`)
        .join('; ');
      const does = (...options: string[]): Promise<string> =>
        tug(...started, '--rm', ...free, ...options, image, 'sh', '-c', `${script}; echo ended`);
      assert.deepEqual((await does()).split('\n'), ['ended']);
      assert.deepEqual((await does(...option('unconfined'))).split('\n'), [...Object.keys(attempts), 'ended']);
      const own = 'echo 1 > /proc/sys/kernel/shm_rmid_forced && echo 100 > /proc/self/oom_score_adj && umount /dev/shm';
      await tug(...started, '--rm', ...free, image, 'sh', '-c', own);
    });
  });

it('health checks and the steps of a build run under the default profile', async () => {
  await tug('run', '-d', '--name', 'checked', '--health-cmd', show.join(' '), '--health-interval', '1s', image, 'top');
  const probed = (): Promise<string> =>
    tug('inspect', '-f', '{{range .State.Health.Log}}{{.Output}}{{end}}', 'checked');
  while ((await probed()) === '');
  assert.match(await probed(), /docker-default \(enforce\)/);
  await tug('rm', '-f', 'checked');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-apparmor-'));
  try {
    writeFileSync(
      path.join(folder, 'Dockerfile'),
      `FROM ${image}\nRUN ${show.join(' ')} > /profile\nCMD cat /profile\n`,
    );
    await tug('build', '-t', 'shown', folder);
    assert.equal(await tug('run', '--rm', 'shown'), confined);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('debug looks at a container under the default profile, under another, and under none', async () => {
  const cases = [
    [],
    ['--security-opt', 'apparmor=tug-web'],
    ['--security-opt', 'apparmor=unconfined'],
    ['--privileged'],
  ];
  for (const [index, options] of cases.entries()) {
    await tug('run', '-d', '--name', 'looked-at', '--init', ...options, image, 'top');
    const seen = await tug('debug', 'looked-at', 'sh', '-c', `${show.join(' ')}; ls /proc/1/root/etc/hostname; kill 1`);
    const profile = index === 0 ? confined : 'unconfined';
    assert.deepEqual(seen.split('\n'), [profile, '/proc/1/root/etc/hostname'], options.join(' '));
    await tug('wait', 'looked-at');
    await tug('rm', 'looked-at');
  }
});

describe('the default profile', () => {
  const parser = (option: string, input: string): Promise<RunResult> => run('apparmor_parser', [option], { input });
  const remove = (): Promise<RunResult> => parser('--remove', 'profile docker-default {}\n');
  const current = (...options: string[]): Promise<string> => tug('run', '--rm', ...options, image, ...show);

  it('is loaded again when it was taken out, by the next start or the next engine', async () => {
    await tug('run', '-d', '--name', 'before', image, 'top');
    assert.equal((await remove()).code, 0);
    assert.deepEqual(await Promise.all([current(), current(), current()]), [confined, confined, confined]);
    await tug('rm', '-f', 'before');
    await remove();
    await engine.kill();
    await engine.restart();
    assert.ok(readApparmor().profiles.includes('docker-default'));
  });

  it('of another engine is not replaced', async () => {
    await engine.stop();
    await remove();
    assert.equal(
      (await parser('--add', 'profile docker-default flags=(attach_disconnected,mediate_deleted,complain) { file, }\n'))
        .code,
      0,
    );
    await engine.restart();
    assert.match(engine.log(), /loaded already, and used as it is/);
    assert.equal(await current(), 'docker-default (complain)');
    await remove();
    assert.equal(await current(), confined, 'its own, now that there is none');
  });

  it('without apparmor_parser is none, which the engine and the doctor say', async () => {
    await engine.stop();
    await remove();
    const program = '/sbin/apparmor_parser';
    await runChecked('mv', [program, `${program}.away`]);
    try {
      await engine.restart();
      assert.match(
        engine.log(),
        /AppArmor is on, but apparmor_parser is not installed: containers run without the default/,
      );
      assert.equal(await current(), 'unconfined');
      assert.equal(await current('--security-opt', 'apparmor=tug-web'), 'tug-web (enforce)');
      const { stdout } = await run(process.execPath, ['bin/tugd.mjs', 'doctor'], patience);
      assert.match(stdout, /apparmor_parser is not installed.*\n.*apt-get install apparmor/);
    } finally {
      await runChecked('mv', [`${program}.away`, program]);
    }
    await engine.restart();
    assert.equal(await current(), confined);
  });
});
