import { Worker } from 'node:worker_threads';
import { endThread } from '../../base/end-thread.ts';
import { internal, TugError } from '../../base/errors.ts';
import type { SettleTask, UnpackResult, UnpackTask } from './layer.ts';
import type { EndTask, SentError, WorkerMessage, WorkerTask } from './worker.ts';

/** Threads that unpack layers. They start with the first task and do not keep the process alive. */
export interface UnpackPool {
  /** `begun` is called when a thread takes the task. One that is cancelled before rejects when a thread would take it. */
  unpack(
    task: UnpackTask,
    signal: AbortSignal,
    progress: (bytes: number) => void,
    begun?: () => void,
  ): Promise<UnpackResult>;
  settle(task: SettleTask, signal: AbortSignal): Promise<boolean>;
  /** Ends the threads; what they do fails. */
  close(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  readonly stop: Int32Array;
  job: Job | undefined;
  ending: boolean;
}

interface Job {
  readonly message: WorkerTask;
  readonly signal: AbortSignal;
  readonly progress: (bytes: number) => void;
  readonly begun: () => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A pool of at most `size` threads, each of which does one task at a time. */
export function createUnpackPool(size = 2): UnpackPool {
  const threads = new Set<Thread>();
  const waiting: Job[] = [];

  const dispatch = (): void => {
    for (let job = waiting[0]; job; job = waiting[0]) {
      const idle = [...threads].find((thread) => !thread.job && !thread.ending);
      if (!idle && threads.size >= size) return;
      waiting.shift();
      if (job.signal.aborted) job.reject(job.signal.reason);
      else begin(idle ?? start(), job);
    }
  };
  const start = (): Thread => {
    const thread = startThread(dispatch, () => threads.delete(thread));
    threads.add(thread);
    return thread;
  };
  const submit = <T>(message: WorkerTask, hears: Pick<Job, 'signal' | 'progress' | 'begun'>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      waiting.push({ message, ...hears, resolve: resolve as (result: unknown) => void, reject });
      dispatch();
    });
  const nothing = (): void => {};

  return {
    unpack: (task, signal, progress, begun = nothing) => submit({ kind: 'unpack', task }, { signal, progress, begun }),
    settle: (task, signal) => submit({ kind: 'settle', task }, { signal, progress: nothing, begun: nothing }),
    async close() {
      for (const job of waiting.splice(0)) job.reject(ended());
      await Promise.all([...threads].map(end));
    },
  };
}

const ended = (): TugError => internal('the unpacking threads were ended');

/** What the thread does is cancelled. */
function end(thread: Thread): Promise<void> {
  thread.ending = true;
  Atomics.store(thread.stop, 0, 1);
  return endThread(thread.worker, { kind: 'end' } satisfies EndTask);
}

/** Starts a thread that calls `idle` after each task, and `lost` when it ends. */
function startThread(idle: () => void, lost: () => void): Thread {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { stop: stop.buffer },
    execArgv: [], // options such as --inspect are the engine's own
  });
  const thread: Thread = { worker, stop, job: undefined, ending: false };
  worker.unref();
  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'progress') thread.job?.progress(message.bytes);
    else if (message.kind === 'done') finish(thread, (job) => job.resolve(message.result));
    else finish(thread, (job) => job.reject(reasonOf(thread, job, message.error)));
    if (message.kind !== 'progress') idle();
  });
  const gone = (error: unknown): void => {
    lost();
    finish(thread, (job) => job.reject(internal('an unpacking thread ended', { cause: error })));
    idle();
  };
  worker.on('error', gone);
  worker.on('exit', gone);
  return thread;
}

function begin(thread: Thread, job: Job): void {
  thread.job = job;
  Atomics.store(thread.stop, 0, 0);
  job.signal.addEventListener('abort', () => thread.job === job && Atomics.store(thread.stop, 0, 1), { once: true });
  thread.worker.ref();
  thread.worker.postMessage(job.message);
  job.begun();
}

function finish(thread: Thread, settle: (job: Job) => void): void {
  const { job } = thread;
  thread.job = undefined;
  if (!thread.ending) thread.worker.unref();
  if (job) settle(job);
}

function reasonOf({ ending }: Thread, { signal }: Job, error: SentError): unknown {
  if (signal.aborted) return signal.reason;
  return ending ? ended() : received(error);
}

function received({ tug, kind, code, message }: SentError): Error {
  if (tug) return new TugError(kind as TugError['kind'], message, code === undefined ? {} : { code });
  return Object.assign(new Error(message), { code });
}
