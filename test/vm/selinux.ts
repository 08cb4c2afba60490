import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { run } from '../../src/base/process.ts';
import { knowsContext } from '../../src/host/security-modules.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { patience, sayer } from './say.ts';

// In the guest with Debian's policy (type mcs), permissive: the labels are real, and nothing is forbidden by them.

let engine: TestEngine;
let image: string;
let tug: ReturnType<typeof sayer>;

before(async () => {
  engine = await startEngine({ timeout: patience, args: ['--selinux-enabled'] });
  image = await starterImage(engine);
  tug = sayer(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();
const labelOfProcess = (pid: number): string => plain(readFileSync(`/proc/${pid}/attr/current`, 'utf8'));
/** The kernel ends labels with a NUL. */
const plain = (label: string): string => label.replaceAll('\0', '').trim();
const labelOfFile = async (file: string): Promise<string> => {
  const { stdout, stderr } = await run('ls', ['-dZ', file]);
  assert.equal(stderr, '');
  return stdout.split(' ')[0] ?? '';
};
const pair = (label: string): string => /:(c\d+,c\d+)$/.exec(label)?.[1] ?? '';

it('SELinux is active in the guest, and info tells it', async () => {
  assert.equal(readFileSync('/sys/fs/selinux/enforce', 'utf8'), '0');
  assert.deepEqual(
    ['container_t', 'no_such_t'].map((type) => knowsContext(`system_u:system_r:${type}:s0`)),
    [true, false],
  );
  assert.match(await tug('info', '--format', '{{json .SecurityOptions}}'), /"name=selinux"/);
});

for (const runtime of ['crun', 'runc']) {
  it(`${runtime} runs each container, and what is run in it, with a pair of categories of its own`, async () => {
    const pairs: string[] = [];
    for (const name of [`a-${runtime}`, `b-${runtime}`]) {
      await tug('run', '-d', '--runtime', runtime, '--name', name, image, 'sleep', '1000');
      const { State, ProcessLabel, MountLabel } = await inspect(name);
      assert.match(ProcessLabel, /^system_u:system_r:\w+_t:s0:c\d+,c\d+$/);
      assert.equal(labelOfProcess(State.Pid), ProcessLabel);
      assert.equal(plain(await tug('exec', name, 'cat', '/proc/self/attr/current')), ProcessLabel);
      assert.equal(plain(await tug('exec', '-u', '1000', name, 'cat', '/proc/self/attr/current')), ProcessLabel);
      assert.equal(pair(MountLabel), pair(ProcessLabel));
      for (const file of ['', 'bin/sh', 'etc/hosts', 'dev/shm'])
        assert.equal(await labelOfFile(`/proc/${State.Pid}/root/${file}`), MountLabel, file);
      pairs.push(pair(ProcessLabel));
    }
    assert.equal(new Set(pairs).size, 2);
  });
}

it('keeps the labels of a container when it is started again', async () => {
  const before = await inspect('a-crun');
  await tug('restart', '-t', '0', 'a-crun');
  const { State, ProcessLabel } = await inspect('a-crun');
  assert.equal(ProcessLabel, before.ProcessLabel);
  assert.equal(labelOfProcess(State.Pid), ProcessLabel);
});

it('relabels what is bound: :Z for one container, :z for all, and nothing without', async () => {
  const source = path.join(engine.root, 'bound');
  for (const name of ['own', 'shared', 'plain']) {
    mkdirSync(path.join(source, name), { recursive: true });
    writeFileSync(path.join(source, name, 'file'), '');
  }
  const untouched = await labelOfFile(`${source}/plain/file`);
  const binds = ['own:/own:Z', 'shared:/shared:z', 'plain:/plain'].flatMap((bind) => ['-v', `${source}/${bind}`]);
  await tug('run', '-d', '--name', 'binds', ...binds, '-v', 'kept:/kept', image, 'sleep', '1000');
  const { MountLabel, Mounts } = await inspect('binds');
  const shared = MountLabel.replace(/:c\d+,c\d+$/, '');
  const kept = Mounts.find(({ Destination }) => Destination === '/kept')?.Source ?? '';
  assert.deepEqual(await Promise.all([`${source}/own/file`, `${source}/shared/file`, kept].map(labelOfFile)), [
    MountLabel,
    shared,
    shared,
  ]);
  assert.equal(await labelOfFile(`${source}/plain/file`), untouched);
});

it('takes label options, and confines neither what is privileged nor what asks not to be', async () => {
  const current = async (...flags: string[]): Promise<string> => {
    const name = `with-${flags.join('-').replaceAll(/[^\w]/g, '')}`;
    await tug('run', '-d', '--name', name, ...flags, image, 'sleep', '1000');
    return labelOfProcess((await inspect(name)).State.Pid);
  };
  const level = 's0:c100,c200';
  assert.match(await current('--security-opt', `label=level:${level}`), new RegExp(`:${level}$`));
  const own = labelOfProcess(engine.pid);
  for (const flags of [['--privileged'], ['--security-opt', 'label=disable'], ['--pid', 'host']])
    assert.equal(await current(...flags), own, flags.join(' '));
});

it('gives a container that shares processes the labels of the other', async () => {
  await tug('run', '-d', '--name', 'joined', '--pid', 'container:a-crun', image, 'sleep', '1000');
  assert.equal(labelOfProcess((await inspect('joined')).State.Pid), (await inspect('a-crun')).ProcessLabel);
});
