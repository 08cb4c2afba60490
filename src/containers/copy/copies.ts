import { TugError } from '../../base/errors.ts';

/** The copies from and to running containers: they end before what the container holds is given back. */
export interface RunningCopies {
  /** Enters a copy. `signal` aborts when the container ends. */
  begin(containerId: string): { readonly signal: AbortSignal; done(): void };
  /** Breaks off a container's copies, and resolves when they have let go of its files. */
  end(containerId: string): Promise<void>;
}

export function createRunningCopies(): RunningCopies {
  const all = new Map<string, Set<{ aborter: AbortController; gone: Promise<void> }>>();
  return {
    begin(containerId) {
      const { promise: gone, resolve } = Promise.withResolvers<void>();
      const copy = { aborter: new AbortController(), gone };
      const copies = all.get(containerId) ?? new Set();
      all.set(containerId, copies.add(copy));
      return {
        signal: copy.aborter.signal,
        done() {
          copies.delete(copy);
          if (copies.size === 0 && all.get(containerId) === copies) all.delete(containerId);
          resolve();
        },
      };
    },
    async end(containerId) {
      const copies = [...(all.get(containerId) ?? [])];
      for (const { aborter } of copies) aborter.abort(ended());
      await Promise.all(copies.map(({ gone }) => gone));
    },
  };
}

const ended = (): TugError =>
  new TugError('conflict', 'the container ended while its files were copied', { code: 'container-ended' });
