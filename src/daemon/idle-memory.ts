import * as os from 'node:os';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { collectAll } from '../base/buffer-garbage.ts';
import { trimHeaps } from '../host/heap.ts';

/** What is watched and what is done: the process's own heap, or a test's. */
export interface HeapKeeper {
  /** Bytes that V8 has taken for its heap, and that its objects have outside of it. */
  size(): number;
  /** Whether others wait for the processors, so that the pause would be a long one. */
  busy(): boolean;
  /** Gives back what is not in use. */
  trim(): void;
  /** Calls back whenever the young generation has been collected, until it is disposed. */
  onCollection(listener: () => void): Disposable;
}

/** Milliseconds without a collection of the young generation (all work comes to one) after which an engine rests. */
const quiet = 10_000;
/**
 * Bytes of growth since the last time that are worth a pause of some 45 ms. What malloc keeps comes to as much again: at
 * 8 MiB an engine that had started and removed 200 containers stayed 14 MB larger.
 */
const worth = 4 * 1024 * 1024;

/**
 * Gives memory back to the system when the engine rests: V8 collects nothing while nothing is allocated, and malloc keeps
 * what was freed, so that an engine holds what its busiest minute took (118 MB after 50 starts, where 74 are in use).
 * Costs nothing while there is work, and one pause after it. Ends when it is disposed.
 */
export function trimWhenIdle(heap: HeapKeeper = ownHeap, milliseconds = quiet): Disposable {
  let trimmed = 0;
  let timer = setTimeout(rest, milliseconds).unref();
  function wait(): void {
    clearTimeout(timer);
    timer = setTimeout(rest, milliseconds).unref();
  }
  function rest(): void {
    if (heap.size() < trimmed + worth) return;
    if (heap.busy()) {
      wait();
      return;
    }
    heap.trim();
    trimmed = heap.size();
  }
  const watch = heap.onCollection(wait);
  return {
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
      clearTimeout(timer);
    },
  };
}

/** The heap of this process's main thread, and malloc's. */
export const ownHeap: HeapKeeper = {
  size() {
    const { heapTotal, external } = process.memoryUsage();
    return heapTotal + external;
  },
  busy: () => (os.loadavg()[0] ?? 0) > 2 * os.availableParallelism(),
  trim() {
    collectAll();
    trimHeaps();
  },
  onCollection(listener) {
    const observer = new PerformanceObserver((list) => {
      if (list.getEntries().some((entry) => kindOf(entry) === constants.NODE_PERFORMANCE_GC_MINOR)) listener();
    });
    observer.observe({ entryTypes: ['gc'] });
    return { [Symbol.dispose]: () => observer.disconnect() };
  },
};

const kindOf = (entry: object): unknown => (entry as { detail?: { kind?: unknown } }).detail?.kind;
