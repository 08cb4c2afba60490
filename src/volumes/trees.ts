import { closeSync, constants, fstatSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { internal } from '../base/errors.ts';
import { openAt } from '../host/at-calls.ts';
import { entriesOf } from '../host/copy-tree.ts';
import { performTreeJob, type TreeAnswer, type TreeJob, type TreeResult } from './tree-worker.ts';

/** What is smaller is not worth a thread, whose start takes longer. */
const small = { entries: 64, bytes: 256 * 1024 };

/** More threads than these bring nothing: they wait for the same file system. */
const mostThreads = 4;

/**
 * Copies an open folder's content into another one (`copyTree`), unless it is small in threads, among which the entries
 * of its top are divided. @throws the system error, when none of them copies any more.
 */
export async function copyFolder(source: number, target: number): Promise<void> {
  if (isSmall(source)) {
    performTreeJob({ kind: 'copy', source, target });
    return;
  }
  const of = Math.min(availableParallelism(), mostThreads);
  const parts = Array.from({ length: of }, (_, own) => inThread({ kind: 'part', source, target, part: { own, of } }));
  const done = await Promise.allSettled(parts);
  for (const one of done) if (one.status === 'rejected') throw one.reason;
  const left = (await Promise.all(parts)).flatMap((one) => one.left);
  const finish: TreeJob = { kind: 'finish', source, target, left };
  if (left.length > small.entries) await inThread(finish);
  else performTreeJob(finish);
}

/** Removes names (in latin1) of an open folder with all below them. */
export async function removeNames(folder: number, names: readonly string[]): Promise<void> {
  if (names.length > 0) await inThread({ kind: 'remove', folder, names });
}

/** Bytes in each of the folders. */
export async function sizesOf(folders: readonly string[]): Promise<readonly number[]> {
  return folders.length === 0 ? [] : (await inThread({ kind: 'size', folders })).sizes;
}

async function inThread(job: TreeJob): Promise<TreeResult> {
  const { promise, resolve, reject } = Promise.withResolvers<TreeResult>();
  const url = new URL('./tree-worker.ts', import.meta.url);
  const worker = new Worker(url, { workerData: job, execArgv: [], trackUnmanagedFds: false });
  worker.on('message', (answer: TreeAnswer) => {
    if ('result' in answer) resolve(answer.result);
    else reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
  });
  worker.on('error', reject);
  worker.on('exit', () => reject(internal('a thread that copies ended without an answer')));
  return await promise;
}

/** Whether a tree is small; looks no further than that. */
function isSmall(folder: number): boolean {
  const left = { ...small };
  return fits(folder, left);
}

function fits(folder: number, left: { entries: number; bytes: number }): boolean {
  for (const entry of entriesOf(folder)) {
    left.entries -= 1;
    if (left.entries < 0) return false;
    if (!entry.isDirectory() && !entry.isFile()) continue;
    const fd = openAt(folder, entry.name, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (entry.isFile()) left.bytes -= fstatSync(fd).size;
      if (left.bytes < 0 || (entry.isDirectory() && !fits(fd, left))) return false;
    } finally {
      closeSync(fd);
    }
  }
  return true;
}
