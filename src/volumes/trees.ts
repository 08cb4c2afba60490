import { closeSync, constants, fstatSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { internal } from '../base/errors.ts';
import { openAt } from '../host/at-calls.ts';
import { entriesOf } from '../host/copy-tree.ts';
import { performTreeJob, type TreeAnswer, type TreeJob } from './tree-worker.ts';

/** What is smaller is not worth a thread, whose start takes longer. */
const small = { entries: 64, bytes: 256 * 1024 };

/** Copies an open folder's content into another one (`copyTree`), in a thread unless it is small. @throws the system error. */
export async function copyFolder(source: number, target: number): Promise<void> {
  const job: TreeJob = { kind: 'copy', source, target };
  if (isSmall(source)) performTreeJob(job);
  else await inThread(job);
}

/** Removes names (in latin1) of an open folder with all below them. */
export async function removeNames(folder: number, names: readonly string[]): Promise<void> {
  if (names.length > 0) await inThread({ kind: 'remove', folder, names });
}

/** Bytes in each of the folders. */
export async function sizesOf(folders: readonly string[]): Promise<number[]> {
  return folders.length === 0 ? [] : await inThread({ kind: 'size', folders });
}

async function inThread(job: TreeJob): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const url = new URL('./tree-worker.ts', import.meta.url);
  const worker = new Worker(url, { workerData: job, execArgv: [], trackUnmanagedFds: false });
  worker.on('message', (answer: TreeAnswer) => {
    if ('sizes' in answer) resolve(answer.sizes);
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
