import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// Processes are kept and go on where CRIU and the kernel can do it: test/vm/checkpoint.ts.

describe('checkpoints that cannot be', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
    const image = await starterImage(engine);
    await engine.tug(['create', '--name', 'still', image, 'true']);
    await engine.tug(['run', '-dt', '--name', 'shown', image, 'sleep', '100000']);
    await engine.tug(['run', '-d', '--name', 'runs', '--runtime', 'crun', image, 'sleep', '100000']);
  });
  after(() => engine?.[Symbol.asyncDispose]());

  const refusals: [string[], RegExp][] = [
    [['checkpoint', 'create', 'nobody', 'x'], /No such container: nobody/],
    [['checkpoint', 'create', 'still', 'x'], /is not running/],
    [['checkpoint', 'create', 'shown', 'x'], /checkpoint not supported on containers with tty/],
    [['checkpoint', 'create', 'runs', '../x'], /Invalid checkpoint ID \(\.\.\/x\), only|CRIU/],
    [['checkpoint', 'create', 'runs', 'x'], /CRIU/],
    [['checkpoint', 'create', '--checkpoint-dir', 'here', 'runs', 'x'], /must be an absolute path, not here|CRIU/],
    [['checkpoint', 'rm', 'runs', 'x'], /checkpoint x does not exist for container runs/],
    [['start', '--checkpoint', 'x', 'still'], /checkpoint x does not exist for container still/],
  ];

  for (const [args, words] of refusals) {
    it(`are refused with a sentence: ${args.join(' ')}`, async () => {
      const { code, stderr } = await engine.tug(args);
      assert.deepEqual([code, words.test(stderr) || stderr], [1, true]);
    });
  }

  it('leave nothing behind, and the container as it was', async () => {
    assert.equal((await engine.tug(['checkpoint', 'ls', 'runs'])).stdout, 'CHECKPOINT NAME\n');
    const running = await engine.tug(['ps', '--format', '{{.Names}} {{.State}}', '--filter', 'name=runs']);
    assert.equal(running.stdout, 'runs running\n');
  });
});
