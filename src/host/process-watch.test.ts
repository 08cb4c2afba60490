import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { createPipe } from './adopted-fd.ts';
import { parkDescriptor, releaseParked } from './parked-fd.ts';
import { watchExit } from './process-watch.ts';
import { runProgram, spawnProgram } from './spawn.ts';

test('a watch resolves when the process ends, and at once for one that is gone', async () => {
  const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid!;
  const watch = watchExit(pid);
  const other = watchExit(pid);
  other.dispose();
  let over = false;
  void watch.exited.then(() => {
    over = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(over, false);
  child.kill('SIGKILL');
  await Promise.all([watch.exited, once(child, 'exit')]);
  await watchExit(pid).exited;
});

test('a program runs with the descriptors it is given and no other, and its end is told', async () => {
  const [reader, writer] = createPipe();
  const ours = openSync('/dev/zero', 'r');
  try {
    const script = `exec >/proc/self/fd/${writer}; echo hello; ls /proc/self/fd | wc -l; exit 7`;
    const { exited } = spawnProgram('/bin/sh', ['-c', script], { inherit: [writer] });
    assert.equal(await exited, 7);
    const buffer = Buffer.alloc(100);
    // 0, 1, 2, the pipe, and the folder that ls reads
    assert.equal(buffer.toString('utf8', 0, readSync(reader, buffer)), 'hello\n5\n');
  } finally {
    for (const fd of [reader, writer, ours]) closeSync(fd);
  }
});

test('a program starts with default signal handling', async () => {
  const { stdout } = await runProgram('/bin/grep', ['Sig[BI]', '/proc/self/status']);
  const [blocked = '', ignored = ''] = [...stdout.matchAll(/\t([0-9a-f]+)/g)].map((found) => found[1]!);
  // without the C library's own two, 32 and 33
  assert.equal((BigInt(`0x${blocked}`) | BigInt(`0x${ignored}`)) & 0x7fff_ffffn, 0n);
});

test('output and input of a program pass whole', async () => {
  const input = 'x'.repeat(1_000_000);
  const result = await runProgram('/bin/sh', ['-c', 'cat; echo err >&2; kill -9 $$'], { input });
  assert.equal(result.stdout, input);
  assert.deepEqual([result.stderr, result.code], ['err\n', 137]);
  await assert.rejects(runProgram('/no/such/program', []), { kind: 'unsupported', code: 'program-missing' });
});

test('a parked descriptor stays open with the process that inherited it, until it is released from outside', async () => {
  const [reader, writer] = createPipe();
  const holder = parkDescriptor(writer);
  const { pid, exited } = spawnProgram('/bin/sleep', ['1000'], { inherit: [holder] });
  closeSync(holder);
  writeSync(writer, 'a');
  closeSync(writer);
  try {
    const buffer = Buffer.alloc(10);
    assert.equal(readSync(reader, buffer), 1);
    releaseParked(pid, holder);
    releaseParked(pid, holder);
    assert.equal(readSync(reader, buffer), 0, 'the last writer is gone');
  } finally {
    process.kill(pid, 'SIGKILL');
    await exited;
    closeSync(reader);
    releaseParked(pid, holder);
  }
});
