import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { disagreements } from '../crash/invariants.ts';
import { begin, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const stateOf = async (name: string) =>
  (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>().State;

/** A shell that does something at signals, and says when it is ready for them. */
async function startTrap(name: string, traps: string, ...flags: string[]): Promise<void> {
  const script = `${traps}; echo ready; while :; do sleep 0.02; done`;
  await engine.tug(['run', '-d', '--name', name, ...flags, 'busybox', 'sh', '-c', script]);
  using log = begin(engine, 'tug', ['logs', '-f', name]);
  await log.said('ready');
  log.child.kill('SIGKILL');
}

for (const cli of commandLines) {
  const call = (...args: string[]) => engine[cli](args);

  describe(`the life of a container with ${cli}`, () => {
    it('ends by stop with the signal it heeds, or is killed when the time is over', async () => {
      await startTrap('heeds', 'trap "echo got; exit 3" TERM', '--stop-timeout', '60');
      assert.deepEqual(await call('stop', 'heeds'), { code: 0, stdout: 'heeds\n', stderr: '' });
      assert.equal((await stateOf('heeds')).ExitCode, 3);
      await startTrap('ignores', 'trap "" TERM');
      const before = Date.now();
      assert.equal((await call('stop', '-t', '1', 'ignores')).code, 0);
      assert.ok(Date.now() - before >= 1000);
      assert.equal((await stateOf('ignores')).ExitCode, 137);
      await startTrap('own', 'trap "echo int; exit 4" INT', '--stop-signal', 'INT', '--stop-timeout', '60');
      await call('stop', 'own');
      assert.equal((await stateOf('own')).ExitCode, 4);
      // stopping what has stopped changes nothing
      assert.deepEqual(await call('stop', 'own'), { code: 0, stdout: 'own\n', stderr: '' });
      assert.equal((await call('rm', 'heeds', 'ignores', 'own')).stdout, 'heeds\nignores\nown\n');
    });

    it('gets any signal by kill', async () => {
      await startTrap('target', 'trap "echo usr" USR1; trap "exit 6" USR2');
      assert.equal((await call('kill', '-s', 'USR1', 'target')).stdout, 'target\n');
      assert.equal((await call('kill', '-s', 'SIGUSR1', 'target')).code, 0);
      assert.match((await call('kill', '-s', 'nosuch', 'target')).stderr, /invalid signal: nosuch/i);
      using waiting = begin(engine, cli, ['wait', 'target']);
      assert.equal((await call('kill', '-s', '12', 'target')).code, 0);
      assert.equal((await waiting.ended).stdout, '6\n');
      const { Id } = (await engine.api('GET', '/containers/target/json')).json<ContainerInspect>();
      const again = await call('kill', 'target');
      assert.deepEqual(
        [again.code, again.stderr],
        [1, `Error response from daemon: cannot kill container: target: container ${Id} is not running\n`],
      );
      assert.equal((await call('wait', 'target')).stdout, '6\n');
      await call('rm', 'target');
    });

    it('is removed by force only while it runs', async () => {
      await call('run', '-d', '--name', 'busy', 'busybox', 'sleep', '1000');
      const refused = await call('rm', 'busy');
      assert.deepEqual(refused, {
        code: 1,
        stdout: '',
        stderr:
          'Error response from daemon: cannot remove container "busy": container is running: stop the container before removing or force remove\n',
      });
      assert.deepEqual(await call('rm', '-f', 'busy'), { code: 0, stdout: 'busy\n', stderr: '' });
      const gone = await call('rm', '-f', 'busy');
      assert.deepEqual([gone.code, gone.stderr], [0, 'Error response from daemon: No such container: busy\n']);
      assert.equal((await call('rm', 'busy')).code, 1);
    });

    it('starts again with its files, and can be inspected before and after', async () => {
      const id = (
        await call('create', '--name', 'again', 'busybox', 'sh', '-c', 'echo x >> /kept; wc -l < /kept')
      ).stdout.trim();
      const fresh = await stateOf('again');
      assert.deepEqual([fresh.Status, fresh.StartedAt], ['created', '0001-01-01T00:00:00Z']);
      assert.equal((await call('start', '-a', 'again')).stdout, '1\n');
      assert.equal((await call('start', '-a', id.slice(0, 8))).stdout, '2\n');
      const format =
        '{{.Id}} {{.State.Status}} {{.State.ExitCode}} {{json .Config.Cmd}} {{len .Mounts}} {{.HostConfig.NetworkMode}}';
      const { stdout } = await call('inspect', '-f', format, 'again');
      assert.equal(stdout, `${id} exited 0 ["sh","-c","echo x >> /kept; wc -l < /kept"] 0 bridge\n`);
      const wrong = await call('inspect', '-f', '{{.Nope}}', 'again');
      assert.equal(wrong.code, 1);
      assert.match(
        wrong.stderr,
        /^template parsing error: template: :1:2: executing "" at <\.Nope>: map has no entry for key "Nope"/,
      );
      await call('rm', 'again');
    });

    it('is listed by ps, by its state, labels and names', async () => {
      await call('run', '-d', '--name', 'up', '--label', 'tier=front', 'busybox', 'sleep', '1000');
      await call('run', '--name', 'down', '--label', 'tier=back', 'busybox', 'sh', '-c', 'exit 3');
      await call('create', '--name', 'fresh', 'busybox');
      const names = async (...args: string[]) =>
        (await call('ps', '--format', '{{.Names}}', ...args)).stdout.split('\n').filter(Boolean).join(' ');
      assert.equal(await names(), 'up');
      assert.equal(await names('-a'), 'fresh down up');
      assert.equal(await names('-n', '2'), 'fresh down');
      assert.equal(await names('-l'), 'fresh');
      assert.equal(await names('-f', 'status=exited'), 'down');
      assert.equal(await names('-f', 'exited=3'), 'down');
      assert.equal(await names('-a', '-f', 'label=tier'), 'down up');
      assert.equal(await names('-a', '-f', 'label=tier=front'), 'up');
      assert.equal(await names('-a', '-f', 'name=^fr'), 'fresh');
      assert.equal(await names('-a', '-f', 'ancestor=busybox'), 'fresh down up');
      assert.equal(await names('-a', '-f', 'since=up', '-f', 'before=fresh'), 'down');
      assert.match((await call('ps', '-f', 'nosuch=1')).stderr, /invalid filter 'nosuch'/);
      const row = await call(
        'ps',
        '-a',
        '--format',
        '{{.Names}}|{{.Command}}|{{.State}}|{{.Status}}|{{.Image}}|{{.Labels}}',
      );
      const [fresh = '', down = '', up = ''] = row.stdout.split('\n');
      assert.equal(fresh, 'fresh|"sh"|created|Created|busybox|');
      assert.match(
        down,
        /^down\|"sh -c 'exit 3'"\|exited\|Exited \(3\) (Less than a|About a|\d+) (second|minute)s? ago\|busybox\|tier=back$/,
      );
      assert.match(
        up,
        /^up\|"sleep 1000"\|running\|Up (Less than a|About a|\d+) (second|minute)s?\|busybox\|tier=front$/,
      );
      const table = (await call('ps', '-a')).stdout.split('\n');
      assert.match(table[0] ?? '', /^CONTAINER ID {3}IMAGE {5}COMMAND +CREATED +STATUS +PORTS +NAMES$/);
      assert.equal(table.length, 5);
      const ids = (await call('ps', '-aq', '--no-trunc')).stdout.trim().split('\n');
      assert.ok(ids.length === 3 && ids.every((id) => /^[0-9a-f]{64}$/.test(id)));
      await call('rm', '-f', 'up', 'down', 'fresh');
    });
  });
}

describe('a container whose monitor is killed', () => {
  it('runs on; its end is told as lost, and nothing leaks', async () => {
    await engine.tug(['run', '-d', '--name', 'alone', 'busybox', 'sleep', '1000']);
    const { Pid } = await stateOf('alone');
    process.kill(monitorOf(Pid), 'SIGKILL');
    assert.equal((await engine.tug(['exec', 'alone', 'echo', 'still'])).stdout, 'still\n');
    assert.deepEqual([(await stateOf('alone')).Running, (await stateOf('alone')).Pid], [true, Pid]);
    using waiting = begin(engine, 'tug', ['wait', 'alone']);
    process.kill(Pid, 'SIGKILL');
    await waiting.ended;
    const state = await stateOf('alone');
    assert.deepEqual([state.Status, state.ExitCode, state.OOMKilled], ['exited', 255, false]);
    assert.match(state.Error ?? '', /^the container ended without its monitor recording an exit code/);
    assert.equal((await engine.tug(['start', 'alone'])).code, 0);
    assert.equal((await stateOf('alone')).Error, '');
    await engine.tug(['rm', '-f', 'alone']);
    assert.deepEqual(await disagreements(engine), []);
  });

  it('can be stopped and removed, and is kept over a restart of the engine', async () => {
    for (const [name, ...end] of [
      ['one', 'stop', '-t', '0'],
      ['two', 'rm', '-f'],
      ['three', 'kill'],
    ] as const) {
      await engine.tug(['run', '-d', '--name', name, 'busybox', 'sleep', '1000']);
      process.kill(monitorOf((await stateOf(name)).Pid), 'SIGKILL');
      if (name === 'three') {
        await engine.kill();
        await engine.restart();
        assert.equal((await stateOf(name)).Status, 'running');
      }
      const ended = await engine.tug([...end, name]);
      assert.deepEqual(ended, { code: 0, stdout: `${name}\n`, stderr: '' });
    }
    await engine.tug(['rm', 'one', 'three']);
    assert.deepEqual(await disagreements(engine), []);
  });
});

/** The monitor is the parent of the container's first process. */
function monitorOf(pid: number): number {
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  assert.equal(readFileSync(`/proc/${parent}/comm`, 'utf8'), 'conmon\n');
  return parent;
}

describe('a container that is killed from outside', () => {
  it('has ended with 137, and one of --rm is gone', async () => {
    using running = begin(engine, 'tug', ['run', '--name', 'struck', 'busybox', 'sh', '-c', 'echo ready; sleep 1000']);
    await running.said('ready');
    process.kill((await stateOf('struck')).Pid, 'SIGKILL');
    assert.equal((await running.ended).code, 137);
    const state = await stateOf('struck');
    assert.deepEqual([state.Status, state.ExitCode, state.OOMKilled, state.Error], ['exited', 137, false, '']);
    await engine.tug(['rm', 'struck']);
    using fleeting = begin(engine, 'docker', [
      'run',
      '--rm',
      '--name',
      'fleeting',
      'busybox',
      'sh',
      '-c',
      'echo ready; sleep 1000',
    ]);
    await fleeting.said('ready');
    process.kill((await stateOf('fleeting')).Pid, 'SIGTERM'); // the first process of a namespace heeds no signal it does not handle
    process.kill((await stateOf('fleeting')).Pid, 'SIGKILL');
    assert.equal((await fleeting.ended).code, 137);
    assert.equal((await engine.tug(['ps', '-aq'])).stdout, '');
    assert.deepEqual(await disagreements(engine), []);
  });
});

describe('a runtime that fails', () => {
  it('is told, and leaves nothing', async () => {
    const folder = engine.root;
    const scripts = {
      silent: '#!/bin/sh\nexit 1\n',
      wordy: '#!/bin/sh\necho "the machine is on fire" >&2\nexit 1\n',
    };
    for (const [name, text] of Object.entries(scripts)) writeFileSync(path.join(folder, name), text, { mode: 0o755 });
    const runtimes = {
      silent: { path: path.join(folder, 'silent') },
      wordy: { path: path.join(folder, 'wordy') },
      absent: { path: path.join(folder, 'absent') },
      second: { path: '/usr/bin/runc' },
    };
    const config = path.join(folder, 'runtimes.json');
    writeFileSync(config, JSON.stringify({ runtimes }));
    await using other = await startEngine({ args: ['--config-file', config] });
    await starterImage(other);
    for (const [runtime, words] of [
      ['silent', /failed without a word/],
      ['wordy', /the machine is on fire/],
      ['absent', /absent/],
    ] as const) {
      for (const cli of commandLines) {
        const { code, stderr } = await other[cli](['run', '--rm', '--runtime', runtime, 'busybox', 'true']);
        assert.equal(code, 125, stderr);
        assert.match(stderr, words);
      }
      const kept = await other.tug(['run', '--name', runtime, '--runtime', runtime, 'busybox', 'true']);
      assert.notEqual(kept.code, 0);
      const { stdout } = await other.tug([
        'inspect',
        '-f',
        '{{.State.Status}} {{.State.Pid}} {{.State.Error}}',
        runtime,
      ]);
      assert.match(stdout, /^created 0 ./);
      assert.match(stdout, words);
      assert.equal((await other.tug(['rm', runtime])).code, 0);
    }
    assert.equal((await other.tug(['run', '--rm', '--runtime', 'second', 'busybox', 'echo', 'fine'])).stdout, 'fine\n');
    assert.equal((await other.tug(['ps', '-aq'])).stdout, '');
    assert.deepEqual(await disagreements(other), []);
  });
});
