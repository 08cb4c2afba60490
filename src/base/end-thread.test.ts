import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { endThread } from './end-thread.ts';

const start = (script: string): Worker => new Worker(script, { eval: true, execArgv: [] });
const listens = "require('node:worker_threads').parentPort.on('message', () => process.exit());";

test('a thread ends by itself, also while it is loading, and again for nothing', async () => {
  const worker = start(`require('koffi').load('libc.so.6'); ${listens}`);
  worker.unref();
  let code: number | undefined;
  worker.on('exit', (given) => {
    code = given;
  });
  await Promise.all([endThread(worker, 'end'), endThread(worker, 'end')]);
  assert.equal(code, 0);
  await endThread(worker, 'end');
});

test('a thread that failed has ended', async () => {
  const worker = start(`${listens} throw new Error('no');`);
  worker.on('error', () => {});
  await endThread(worker, 'end');
});
