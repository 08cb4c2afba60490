import { Worker } from 'node:worker_threads';
import { internal, TugError } from '../../base/errors.ts';
import type { Comparison, ComparisonResult } from './bcrypt-worker.ts';

/** Compares passwords with bcrypt hashes, one after another, in a thread that starts with the first. */
export interface BcryptThread extends AsyncDisposable {
  /** @throws unavailable when too many wait, internal when the thread ended. */
  compare(password: string, hash: string): Promise<boolean>;
}

/** More than these wait for longer than any client does. */
const mostWaiting = 200;

/** The thread does not keep the process alive unless it has work; disposing of it ends it, and what waits fails. */
export function createBcryptThread(): BcryptThread {
  const waiting = new Map<number, PromiseWithResolvers<boolean>>();
  let worker: Worker | undefined;
  let last = 0;

  const start = (): Worker => {
    const started = new Worker(new URL('./bcrypt-worker.ts', import.meta.url), { execArgv: [] });
    started.unref();
    started.on('message', ({ id, same }: ComparisonResult) => {
      waiting.get(id)?.resolve(same);
      waiting.delete(id);
      if (waiting.size === 0) started.unref();
    });
    const lost = (cause: unknown): void => {
      if (worker !== started) return;
      worker = undefined;
      for (const one of waiting.values()) one.reject(internal('the thread that compares passwords ended', { cause }));
      waiting.clear();
    };
    started.on('error', lost);
    started.on('exit', lost);
    return started;
  };

  return {
    compare(password, hash) {
      if (waiting.size >= mostWaiting) {
        const error = new TugError('unavailable', 'too many logins at once, try again later', {
          code: 'too-many-logins',
        });
        return Promise.reject(error);
      }
      worker ??= start();
      const result = Promise.withResolvers<boolean>();
      const comparison: Comparison = { id: ++last, password, hash };
      waiting.set(comparison.id, result);
      worker.ref();
      worker.postMessage(comparison);
      return result.promise;
    },
    async [Symbol.asyncDispose]() {
      await worker?.terminate();
    },
  };
}
