import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { processExists } from '../../src/base/process.ts';
import { listMounts } from '../../src/host/mount.ts';
import { startEngine, starterImage, type TestEngine } from './engine.ts';
import { listProcesses } from './leaks-processes.ts';

/** Starts a container that runs until it is killed, and returns the process id it has on the host. */
async function runForever(engine: TestEngine): Promise<number> {
  const image = await starterImage(engine);
  const created = await engine.api('POST', '/containers/create?name=forever', {
    Image: image,
    Cmd: ['sleep', '100000'],
  });
  assert.equal(created.status, 201, created.text);
  const started = await engine.api('POST', '/containers/forever/start');
  assert.equal(started.status, 204, started.text);
  return (await engine.api('GET', '/containers/forever/json')).json<{ State: { Pid: number } }>().State.Pid;
}

function assertGone(engine: TestEngine): void {
  assert.equal(existsSync(engine.root), false);
  assert.equal(existsSync(`/sys/class/net/${engine.bridge}`), false);
  assert.deepEqual(listMounts(engine.root), []);
  assert.deepEqual(
    listProcesses().filter(({ command }) => command.includes(`${engine.root}/`)),
    [],
  );
}

describe('an engine for a test', () => {
  it('takes everything away at the end of its scope, running containers too', async () => {
    let kept: TestEngine | undefined;
    let pid = 0;
    {
      await using engine = await startEngine();
      kept = engine;
      pid = await runForever(engine);
      assert.ok(processExists(pid));
    }
    assertGone(kept);
    assert.equal(processExists(pid), false);
  });

  it('does so too when the engine was killed, and nothing the second time', async () => {
    await using engine = await startEngine();
    const pid = await runForever(engine);
    assert.deepEqual(await engine.kill(), { code: null, signal: 'SIGKILL' });
    assert.ok(processExists(pid), 'the container outlives the engine');
    await engine[Symbol.asyncDispose]();
    assertGone(engine);
    assert.equal(processExists(pid), false);
    await engine[Symbol.asyncDispose]();
    assertGone(engine);
  });

  it('finds its containers again after a restart', async () => {
    await using engine = await startEngine();
    const pid = await runForever(engine);
    await engine.kill();
    await engine.restart();
    const { State } = (await engine.api('GET', '/containers/forever/json')).json<{
      State: { Pid: number; Running: boolean };
    }>();
    assert.deepEqual([State.Pid, State.Running], [pid, true]);
  });

  it('ends cleanly on SIGTERM', async () => {
    await using engine = await startEngine();
    assert.deepEqual(await engine.stop(), { code: 0, signal: null });
  });

  it('reports why it did not come up, and leaves nothing', async () => {
    await assert.rejects(
      startEngine({ args: ['--no-such-flag'] }),
      /exit code 1; its log:\n.*unknown flag: --no-such-flag/s,
    );
  });
});
