import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// Runs in the guest: does the engine work where there is cgroup v2 alone, and an older kernel than the host's?

const patience = 300_000;

it('is a machine with cgroup v2 alone', () => {
  assert.ok(existsSync('/sys/fs/cgroup/cgroup.controllers'));
});

it('runs a container, and sets and reads its limits', { timeout: patience }, async () => {
  await using engine = await startEngine({ timeout: patience });
  await starterImage(engine);
  const hello = await engine.tug(['run', '--rm', 'busybox', 'echo', 'hello'], { timeout: patience });
  assert.deepEqual(hello, { code: 0, stdout: 'hello\n', stderr: '' });
  const limits = ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '20'];
  const started = await engine.tug(['run', '-d', '--name', 'limited', ...limits, 'busybox', 'sleep', '1000'], {
    timeout: patience,
  });
  assert.equal(started.code, 0, started.stderr);
  const group = await groupOf(engine, 'limited');
  const value = (name: string): string => readFileSync(`${group}/${name}`, 'utf8').trim();
  assert.deepEqual(
    { memory: value('memory.max'), cpu: value('cpu.max'), pids: value('pids.max') },
    { memory: String(64 * 1024 * 1024), cpu: '50000 100000', pids: '20' },
  );
});

async function groupOf(engine: TestEngine, name: string): Promise<string> {
  const { State } = (await engine.api('GET', `/containers/${name}/json`)).json<{ State: { Pid: number } }>();
  const group = /^0::(.*)$/m.exec(readFileSync(`/proc/${State.Pid}/cgroup`, 'utf8'))?.[1];
  assert.ok(group, `no cgroup for process ${State.Pid}`);
  return `/sys/fs/cgroup${group}`;
}
