import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { until } from '../helpers/until.ts';

let engine: TestEngine;
let image: string;

before(async () => {
  engine = await startEngine();
  image = await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const run = async (...args: string[]): Promise<string> => {
  const result = await engine.tug(['run', '-d', ...args]);
  assert.equal(result.code, 0, result.stderr);
  return result.stdout.trim();
};
const inside = async (name: string, ...command: string[]): Promise<string> =>
  (await engine.tug(['exec', name, ...command])).stdout.trim();
const namespace = (name: string, kind: string): Promise<string> => inside(name, 'readlink', `/proc/self/ns/${kind}`);
const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

it('a container shares processes, network and IPC of another one', async () => {
  const id = await run('--name', 'one', '--ipc', 'shareable', image, 'sleep', '1000');
  const modes = ['--pid', 'container:one', '--network', `container:${id.slice(0, 10)}`, '--ipc', 'container:one'];
  await run('--name', 'two', ...modes, image, 'sleep', '2000');
  for (const kind of ['pid', 'net', 'ipc'])
    assert.equal(await namespace('two', kind), await namespace('one', kind), kind);
  for (const kind of ['mnt', 'uts']) assert.notEqual(await namespace('two', kind), await namespace('one', kind), kind);
  assert.match(await inside('two', 'ps'), /^ +1 .*sleep 1000\n(.*\n)*.*sleep 2000/m);
  await inside('two', 'sh', '-c', 'echo shared >/dev/shm/f; echo 10.1.2.3 added >>/etc/hosts');
  assert.equal(await inside('one', 'cat', '/dev/shm/f'), 'shared');
  assert.match(await inside('one', 'cat', '/etc/hosts'), /added/);
  assert.equal(await inside('two', 'hostname'), id.slice(0, 12));
  assert.equal(await inside('two', 'ip', '-4', '-o', 'addr'), await inside('one', 'ip', '-4', '-o', 'addr'));

  const { HostConfig, NetworkSettings, HostsPath } = await inspect('two');
  assert.deepEqual(
    [HostConfig['NetworkMode'], HostConfig['PidMode'], HostConfig['IpcMode']],
    Array(3).fill(`container:${id}`),
  );
  assert.deepEqual([NetworkSettings.Networks, NetworkSettings.Ports], [{}, {}]);
  assert.equal(HostsPath, (await inspect('one')).HostsPath);
  await engine.tug(['rename', 'one', 'first']);
  assert.equal((await engine.docker(['restart', '-t', '0', 'two'])).code, 0, 'the other one is known by its id');
  const listed = await engine.docker([
    'ps',
    '-a',
    '--filter',
    'name=two',
    '--format',
    '{{.Names}}|{{.Networks}}|{{.Ports}}',
  ]);
  assert.equal(listed.stdout, 'two||\n');

  await run('--name', 'three', '--network', 'container:two', '--ipc', 'container:two', image, 'sleep', '1000');
  assert.equal(await namespace('three', 'net'), await namespace('first', 'net'));
  assert.equal(await inside('three', 'cat', '/dev/shm/f'), 'shared');
  assert.match(await inside('three', 'cat', '/etc/hosts'), /added/);
  for (const name of ['three', 'two', 'first']) await engine.api('DELETE', `/containers/${name}?force=1`);
});

it('what cannot be shared is refused in the words of Docker', async () => {
  const running = await run('--name', 'running', image, 'sleep', '1000');
  await engine.tug(['create', '--name', 'created', image, 'true']);
  const created = (await inspect('created')).Id;
  const cases: readonly [string, string][] = [
    ['--network container:none', 'No such container: none'],
    ['--pid container:none', 'No such container: none'],
    ['--ipc container:none', 'No such container: none'],
    ['--network container:', 'Invalid network mode: invalid container format container:<name|id>'],
    ['--network container:created', `cannot join network of a non running container: ${created}`],
    ['--pid container:created', `container ${created} is not running`],
    ['--ipc container:created', `can't join IPC of container ${created}: container ${created} is not running`],
    [
      '--ipc container:running',
      `can't join IPC of container ${running}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    ],
    ['--network container:running --hostname x', 'conflicting options: hostname and the network mode'],
    [
      '--network container:running -p 80:80',
      'conflicting options: port publishing and the container type network mode',
    ],
    ['--network container:running -P', 'conflicting options: port publishing and the container type network mode'],
    [
      '--network container:running --expose 80',
      'conflicting options: port exposing and the container type network mode',
    ],
    ['--network container:running --dns 1.1.1.1', 'conflicting options: dns and the network mode'],
    [
      '--network container:running --add-host a:1.1.1.1',
      'conflicting options: custom host-to-IP mapping and the network mode',
    ],
  ];
  for (const cli of commandLines) {
    for (const [flags, words] of cli === 'tug' ? cases : cases.slice(0, 5)) {
      const { code, stderr } = await engine[cli](['run', '--rm', ...flags.split(' '), image, 'true']);
      assert.deepEqual([code, stderr.split('\n')[0]], [125, `${cli}: Error response from daemon: ${words}`], flags);
    }
    const pid = await engine[cli](['run', '--rm', '--pid', 'container:', image, 'true']);
    assert.deepEqual([pid.code, pid.stderr.split('\n')[0]], [125, `${cli}: --pid: invalid PID mode`]);
  }
  const left = await engine.tug(['ps', '-aq']);
  assert.equal(left.stdout.trim().split('\n').length, 2, 'what was refused at the start was removed');
  for (const name of ['running', 'created']) await engine.api('DELETE', `/containers/${name}?force=1`);
});

it('a container outlives the one whose network it shares, without its addresses', async () => {
  await run('--name', 'base', image, 'sleep', '1000');
  await run('--name', 'guest', '--network', 'container:base', image, 'sleep', '1000');
  assert.equal((await engine.tug(['stop', '-t', '0', 'base'])).code, 0);
  assert.equal(await inside('guest', 'ip', '-4', '-o', 'addr', 'show', 'up', 'scope', 'global'), '');
  const again = await engine.tug(['restart', '-t', '0', 'guest']);
  assert.match(again.stderr, /cannot join network of a non running container/);
  assert.equal((await inspect('guest')).State.Running, false);
  for (const name of ['guest', 'base']) await engine.api('DELETE', `/containers/${name}?force=1`);
});

it('containers that share come up after those they share with', async () => {
  const always = ['--restart', 'always'];
  await run('--name', 'bb', ...always, '--ipc', 'shareable', image, 'sleep', '1000');
  await run('--name', 'aa', ...always, '--network', 'container:bb', '--ipc', 'container:bb', image, 'sleep', '1000');
  await engine.kill();
  await engine.restart();
  assert.equal(await namespace('aa', 'net'), await namespace('bb', 'net'), 'both ran on');
  const pids = [(await inspect('aa')).State.Pid, (await inspect('bb')).State.Pid];
  await engine.kill();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await engine.restart();
  const isUp = async (name: string) => (await inspect(name)).State.Status === 'running';
  const running = async () => (await isUp('aa')) && (await isUp('bb'));
  await until(running, 'both to run again');
  assert.equal(await namespace('aa', 'net'), await namespace('bb', 'net'));
  for (const name of ['aa', 'bb']) await engine.api('DELETE', `/containers/${name}?force=1`);
});
