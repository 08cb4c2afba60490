import type { DatedEvent, EventHistory } from './history.ts';

/** A history without bound and disk, for tests. */
export function memoryHistory(): EventHistory {
  const kept: DatedEvent[] = [];
  return {
    append: (dated) => void kept.push(dated),
    async *read() {
      yield* [...kept];
    },
    [Symbol.dispose]() {},
  };
}
