import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { ContainerInspect } from '../../src/api/types/container.ts';
import { disagreements } from '../crash/invariants.ts';
import { begin, commandLines } from '../helpers/command-lines.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';
import { listProcesses } from '../helpers/leaks-processes.ts';
import { until } from '../helpers/until.ts';

let engine: TestEngine;
before(async () => {
  engine = await startEngine();
  await starterImage(engine);
  await makeSystemImage();
});
after(() => engine?.[Symbol.asyncDispose]());

/** Two services that are started again when they end, a task before them, and one when the system goes down. */
const inittab = [
  '::sysinit:/bin/sh -c "mkdir -p /run/services; echo up >/proc/1/fd/1"',
  '::respawn:/bin/sh -c "echo one >>/run/services/one; exec sleep 1001"',
  '::respawn:/bin/sh -c "echo two >>/run/services/two; echo ready >/proc/1/fd/1; exec sleep 1002"',
  '::shutdown:/bin/sh -c "echo down >/proc/1/fd/1"',
];

/** busybox's init goes down, in order, at SIGUSR2; at SIGTERM it would come up again on a machine. */
async function makeSystemImage(): Promise<void> {
  const script = `printf '%s\\n' "$@" >/etc/inittab`;
  const made = await engine.tug(['run', '--name', 'maker', 'busybox', 'sh', '-c', script, 'sh', ...inittab]);
  assert.equal(made.code, 0, made.stderr);
  await engine.tug(['commit', '-c', 'CMD ["/bin/init"]', '-c', 'STOPSIGNAL SIGUSR2', 'maker', 'system']);
  await engine.tug(['rm', 'maker']);
}

const inspect = async (name: string) => (await engine.api('GET', `/containers/${name}/json`)).json<ContainerInspect>();
const childrenOf = async (name: string) => {
  const { Pid } = (await inspect(name)).State;
  return listProcesses().filter(({ parent }) => parent === Pid);
};

for (const cli of commandLines) {
  describe(`an init by ${cli}`, () => {
    it('reaps what others left, and passes the stop signal on; a program that is none does not', async () => {
      // the middle shell ends before its child: the child goes to the first process of the container
      const script = '(sh -c "sleep 0.1 & exec true"); echo ready; exec sleep 1000';
      for (const [name, ...flags] of [['with', '--init'], ['without']] as const) {
        using running = begin(engine, cli, ['run', ...flags, '--name', name, 'busybox', 'sh', '-c', script]);
        await running.said('ready');
        // the orphan ends, and either is reaped or stays as it ended
        const settled = async () => {
          const left = (await childrenOf(name)).filter(({ command }) => !command.includes('1000'));
          return name === 'with' ? left.length === 0 : left.length === 1 && left[0]?.state === 'Z';
        };
        await until(settled, 'the orphan to end');
        await engine[cli](['stop', '-t', name === 'with' ? '60' : '0', name]);
        assert.equal((await running.ended).code, name === 'with' ? 143 : 137);
        await engine.tug(['rm', name]);
      }
    });

    it('runs a system of several services, and takes it down by the signal of its image', async () => {
      using running = begin(engine, cli, ['run', '--name', 'system', 'system']);
      await running.said('ready');
      // the shells that begin the services become them
      const services = async () => (await childrenOf('system')).map(({ command }) => command).toSorted();
      await until(async () => isDeepStrictEqual(await services(), ['sleep 1001', 'sleep 1002']), 'both services');
      const [first] = (await childrenOf('system')).filter(({ command }) => command === 'sleep 1002');
      process.kill(first?.pid ?? 0, 'SIGKILL');
      await running.said('ready\nready');
      assert.equal((await engine[cli](['exec', 'system', 'cat', '/run/services/two'])).stdout, 'two\ntwo\n');
      assert.equal((await inspect('system')).Config['StopSignal'], 'SIGUSR2');
      assert.equal((await engine[cli](['stop', '-t', '60', 'system'])).code, 0);
      const { code, stdout } = await running.ended;
      assert.deepEqual(
        [code, stdout.replaceAll('\r', '').match(/^(up|ready|down)$/gm)],
        [0, ['up', 'ready', 'ready', 'down']],
      );
      await engine.tug(['rm', 'system']);
      assert.deepEqual(await disagreements(engine), []);
    });
  });
}
