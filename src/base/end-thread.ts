import type { Worker } from 'node:worker_threads';

/**
 * Has a thread end by itself, and resolves when it has: it calls `process.exit()` when it reads `message`. Such a thread
 * is not to be terminated: what cuts it off while it loads koffi, or binds a function with it, ends the whole process.
 * Idempotent.
 */
export async function endThread(worker: Worker, message: unknown): Promise<void> {
  if (worker.threadId === -1) return; // it has ended
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.ref(); // or a process with nothing else to do would end before it
  worker.postMessage(message);
  await ended;
}
