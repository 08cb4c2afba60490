import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startEngine, starterImage } from '../helpers/engine.ts';

// Runs in the guest: CRIU does not work on every kernel, and does on Debian's.

const patience = 1_500_000;

it('a container goes on from where it was, here and from a folder elsewhere', { timeout: patience }, async () => {
  await using engine = await startEngine({ timeout: patience, args: ['--default-runtime', 'runc'] });
  await starterImage(engine);
  const tug = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.tug(args, { timeout: patience });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const count = 'n=0; while :; do n=$((n+1)); echo $n > /n; sleep 0.1; done';
  await tug('run', '-d', '--name', 'counts', '--restart', 'always', 'busybox', 'sh', '-c', count);
  const counted = async (): Promise<number> => Number(await tug('exec', 'counts', 'cat', '/n'));
  const passes = async (limit: number): Promise<void> => {
    while ((await counted()) <= limit);
  };
  await passes(10);

  await tug('checkpoint', 'create', '--leave-running', '--checkpoint-dir', '/tmp/checkpoints', 'counts', 'early');
  const early = await counted();
  await passes(early + 20);
  await tug('checkpoint', 'create', 'counts', 'late');
  assert.equal(await tug('ps', '-a', '--format', '{{.State}}'), 'exited\n');
  assert.equal(await tug('checkpoint', 'ls', 'counts'), 'CHECKPOINT NAME\nlate\n');
  assert.match((await engine.tug(['checkpoint', 'create', 'counts', 'late'])).stderr, /is not running/);

  await tug('start', '--checkpoint', 'late', 'counts');
  assert.ok((await counted()) > early + 20, 'it did not begin anew');
  await passes(early + 40);

  const again = await engine.tug(['checkpoint', 'create', 'counts', 'late'], { timeout: patience });
  assert.match(again.stderr, /checkpoint with name late already exists for container counts/);
  await tug('stop', '-t', '0', 'counts');
  await tug('start', '--checkpoint', 'early', '--checkpoint-dir', '/tmp/checkpoints', 'counts');
  assert.ok((await counted()) < early + 40, 'it went back');
  await tug('checkpoint', 'rm', 'counts', 'late');
  assert.equal(await tug('checkpoint', 'ls', 'counts'), 'CHECKPOINT NAME\n');
});
