import { Worker } from 'node:worker_threads';
import { type ErrorKind, internal, TugError } from '../../base/errors.ts';
import type { CopyAnswer, CopyJob, SentError } from './worker.ts';

/** Threads that look into containers' files with calls that block: a file system of a container's own may never answer. */
export interface CopyThreads {
  /** Does a job in a thread of its own. @throws what the job throws. */
  run(job: CopyJob): Promise<unknown>;
}

/** More copies at a time wait for one that ends. */
const mostThreads = 16;
/** Milliseconds that the last thread waits for another job. */
const patience = 10_000;

interface Thread {
  readonly worker: Worker;
  job: { resolve: (result: unknown) => void; reject: (error: unknown) => void } | undefined;
  retiring: NodeJS.Timeout | undefined;
}

/** Threads start when they are needed, end when they are not, and do not keep the process alive. */
export function createCopyThreads(): CopyThreads {
  const threads = new Set<Thread>();
  const waiting: { job: CopyJob; begun: PromiseWithResolvers<unknown> }[] = [];

  const next = (): void => {
    for (let first = waiting[0]; first; first = waiting[0]) {
      const idle = [...threads].find((thread) => !thread.job);
      if (!idle && threads.size >= mostThreads) return;
      waiting.shift();
      const thread = idle ?? start();
      clearTimeout(thread.retiring);
      thread.job = first.begun;
      thread.worker.ref();
      thread.worker.postMessage(first.job);
    }
  };
  const start = (): Thread => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { execArgv: [], trackUnmanagedFds: false });
    const thread: Thread = { worker, job: undefined, retiring: undefined };
    const settle = (act: (job: NonNullable<Thread['job']>) => void): void => {
      const { job } = thread;
      thread.job = undefined;
      worker.unref();
      if (job) act(job);
    };
    const lost = (cause: unknown): void => {
      threads.delete(thread);
      settle((job) => job.reject(internal('a copying thread ended', { cause })));
      next();
    };
    worker.on('message', (answer: CopyAnswer) => {
      settle((job) => ('error' in answer ? job.reject(received(answer.error)) : job.resolve(answer.result)));
      retire(thread);
      next();
    });
    worker.on('error', lost);
    worker.on('exit', lost);
    worker.unref();
    threads.add(thread);
    return thread;
  };
  const retire = (thread: Thread): void => {
    thread.retiring = setTimeout(() => {
      threads.delete(thread);
      void thread.worker.terminate();
    }, patience).unref();
  };

  return {
    run(job) {
      const begun = Promise.withResolvers<unknown>();
      waiting.push({ job, begun });
      next();
      return begun.promise;
    },
  };
}

function received({ tug, kind, code, message }: SentError): Error {
  if (tug) return new TugError(kind as ErrorKind, message, code === undefined ? {} : { code });
  return Object.assign(new Error(message), { code });
}
