import assert from 'node:assert/strict';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerInspect, ContainerSummary } from '../../src/api/types/container.ts';
import { isEnding } from '../../src/host/process-identity.ts';
import { findMonitors } from '../../src/runtime/monitor/drivers/conmon/find.ts';
import { disagreements } from '../crash/invariants.ts';
import { begin } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { nextEvent, pastEvents } from '../helpers/events.ts';
import { until } from '../helpers/until.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();

describe('a container that runs out of memory', () => {
  const limits = ['--memory', '16m', '--memory-swap', '16m'];
  const hog = 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done';

  it('is told of at once when a child is killed, and runs on', async () => {
    const told = nextEvent(engine, 'parent', ({ Action }) => Action === 'oom');
    const script = `sh -c '${hog}'; echo child $?; exec sleep 1000`;
    await engine.tug(['run', '-d', '--name', 'parent', ...limits, 'busybox', 'sh', '-c', script]);
    assert.equal((await told).Actor.Attributes['image'], 'busybox');
    const { State } = await inspect('parent');
    assert.deepEqual([State.Running, State.OOMKilled], [true, true]);
    using log = begin(engine, 'tug', ['logs', '-f', 'parent']);
    await log.said('child 137\n');
    await engine.tug(['stop', '-t', '0', 'parent']);
    assert.equal((await log.ended).stdout, 'child 137\n');
    assert.equal((await pastEvents(engine, 0, { event: ['oom'] })).length, 1, 'told once');
    await engine.tug(['start', 'parent']);
    await engine.tug(['rm', '-f', 'parent']);
  });

  it('is told of when it was itself killed', async () => {
    const told = nextEvent(engine, 'hungry', ({ Action }) => Action === 'oom');
    const said = await engine.tug(['run', '--name', 'hungry', ...limits, 'busybox', 'sh', '-c', hog]);
    assert.equal(said.code, 137);
    await told;
    assert.equal((await inspect('hungry')).State.OOMKilled, true);
    await engine.tug(['rm', 'hungry']);
  });
});

describe('commands in a container that stops', () => {
  it('end, or are refused, whenever they come', async () => {
    for (let round = 0; round < 3; round += 1) {
      await engine.tug(['run', '-d', '--name', 'stops', 'busybox', 'sleep', '1000']);
      let stopped = false;
      const codes = new Set<string>();
      const hammer = async (): Promise<void> => {
        while (!stopped) {
          const made = await engine.api('POST', '/containers/stops/exec', {
            Cmd: ['sleep', '1000'],
            AttachStdout: true,
          });
          codes.add(`create ${made.status}`);
          if (made.status !== 201) continue;
          const { Id } = made.json<{ Id: string }>();
          const { status, text } = await engine.api('POST', `/exec/${Id}/start`, { Detach: true });
          codes.add(status === 500 ? text : `start ${status}`);
        }
      };
      const hammers = Array.from({ length: 6 }, hammer);
      assert.equal((await engine.api('POST', '/containers/stops/stop?t=0')).status, 204);
      stopped = true;
      await Promise.all(hammers);
      const allowed = ['create 201', 'create 409', 'start 200', 'start 409', 'start 400'];
      assert.deepEqual(
        [...codes].filter((code) => !allowed.includes(code)),
        [],
      );
      assert.equal((await engine.tug(['rm', 'stops'])).code, 0);
      assert.deepEqual(await disagreements(engine), []);
    }
  });

  it('are refused while its first process cannot be gone yet', async () => {
    await engine.tug(['run', '-d', '--name', 'lingers', 'busybox', 'sleep', '1000']);
    await engine.tug(['exec', '-d', 'lingers', 'sleep', '1000']);
    const { Id, State } = await inspect('lingers');
    const monitors = await findMonitors(path.join(engine.execRoot, 'containers', Id, 'exec'));
    assert.equal(monitors.length, 1);
    const monitor = monitors[0]?.pid ?? 0;
    process.kill(monitor, 'SIGSTOP'); // it reaps nothing now, which the kernel waits for
    try {
      process.kill(State.Pid, 'SIGKILL');
      await until(() => isEnding(State.Pid), 'the process to end');
      for (const Detach of [true, false]) {
        const made = await engine.api('POST', '/containers/lingers/exec', { Cmd: ['true'], AttachStdout: true });
        const started = await engine.api('POST', `/exec/${made.json<{ Id: string }>().Id}/start`, { Detach });
        assert.equal(started.status, 409, started.text);
        assert.match(started.text, /container \w+ is not running/);
      }
    } finally {
      process.kill(monitor, 'SIGCONT');
    }
    await engine.tug(['rm', '-f', 'lingers']);
  });
});

describe('names, labels and environments', () => {
  it('come back as they were given, whatever Docker takes', async () => {
    const odd = [
      'ä€𝄞',
      '"quoted" \\back\\',
      ' blanks  ',
      'tab\tand\nline',
      '\u0001\u007f',
      '{{.ID}} $HOME `x`',
      '=a=b',
      '\u202eabc',
      '',
    ];
    const Labels = Object.fromEntries([
      ...odd.map((value, at) => [`key-${at}`, value]),
      ...odd.filter(Boolean).map((key) => [key, 'v']),
    ]);
    const Env = odd.map((value, at) => `ODD_${at}=${value}`);
    const name = `Odd_.-${'n'.repeat(200)}`;
    const body = { Image: 'busybox', Cmd: ['sleep', '1000'], Labels, Env };
    const made = await engine.api('POST', `/containers/create?name=${name}`, body);
    assert.equal(made.status, 201, made.text);
    await engine.kill();
    await engine.restart();
    await engine.api('POST', `/containers/${name}/start`);
    const { Name, Config } = await inspect(name);
    assert.equal(Name, `/${name}`);
    assert.deepEqual(Config['Labels'], Labels);
    assert.deepEqual(
      (Config['Env'] as string[]).filter((line) => line.startsWith('ODD_')),
      Env,
    );
    const [listed] = (await engine.api('GET', '/containers/json')).json<ContainerSummary[]>();
    assert.deepEqual([listed?.Names, listed?.Labels], [[`/${name}`], Labels]);
    const environ = await engine.tug(['exec', name, 'cat', '/proc/1/environ']);
    const own = await engine.docker(['exec', name, 'cat', '/proc/self/environ']);
    for (const { stdout } of [environ, own])
      assert.deepEqual(
        stdout.split('\0').filter((line) => line.startsWith('ODD_')),
        Env,
      );
    const shown = await engine.docker(['inspect', '-f', '{{json .Config.Labels}}', name]);
    assert.deepEqual(JSON.parse(shown.stdout), Labels);
    await engine.tug(['rm', '-f', name]);
    assert.deepEqual(await disagreements(engine), []);
  });
});
