import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { isBecomingProgram } from '../../../../host/process-identity.ts';
import { findMonitors, type ProcessTable } from './find.ts';

/** One process: a program without a command line, until `has` says so. */
const one = (isBecoming: boolean, has: () => boolean): ProcessTable => ({
  pids: async () => ['7'],
  commandLine: async () => (has() ? ['/usr/bin/conmon', '-c', 'id', '-b', '/made/id', ''].join('\0') : ''),
  program: async () => '/usr/bin/conmon',
  isBecomingProgram: () => isBecoming,
});

it('finds a monitor that takes long to become the program it is to be', async () => {
  const began = performance.now();
  const found = await findMonitors(
    '/made',
    one(true, () => performance.now() - began > 600),
  );
  assert.deepEqual(found, [{ pid: 7, id: 'id', folder: '/made/id' }]);
});

it('is not held up by a process that has hidden its command line', async () => {
  let looks = 0;
  const found = await findMonitors(
    '/made',
    one(false, () => ++looks > 20),
  );
  assert.deepEqual([found, looks], [[], 5]);
});

it('tells a process that is about to be a program from one that is', async () => {
  assert.equal(isBecomingProgram(process.pid), false);
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
    while (isBecomingProgram(child.pid ?? 0)); // until it has arguments
    assert.equal(isBecomingProgram(child.pid ?? 0), false);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    assert.equal(isBecomingProgram(child.pid ?? 0), false, 'it is gone');
  } finally {
    child.kill('SIGKILL');
  }
});
