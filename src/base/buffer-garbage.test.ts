import assert from 'node:assert/strict';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { it } from 'node:test';
import { countBuffer } from './buffer-garbage.ts';

it('has the young generation collected for every 4 MiB', async () => {
  const three = Promise.withResolvers<void>();
  let seen = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as unknown as { detail: { kind: number } };
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) seen += 1;
    }
    if (seen >= 3) three.resolve();
  });
  observer.observe({ entryTypes: ['gc'] });
  const alive = setInterval(() => {}, 1000); // an observer does not keep the process alive
  for (let count = 0; count < 48; count += 1) countBuffer(1024 * 1024);
  await three.promise;
  clearInterval(alive);
  observer.disconnect();
  assert.ok(seen >= 3);
});
