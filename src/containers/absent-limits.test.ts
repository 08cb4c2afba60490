import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withoutAbsentLimits } from './absent-limits.ts';

it('limits that control groups v2 do not have are left out, each with a warning', () => {
  const wish = { Memory: 1, MemorySwappiness: 7, OomKillDisable: true };
  const { host, warnings } = withoutAbsentLimits(wish, 'v2');
  assert.deepEqual(host, { Memory: 1 });
  assert.deepEqual(
    warnings.map((warning) => /Memory swappiness discarded|OomKillDisable discarded/.exec(warning)?.[0]),
    ['Memory swappiness discarded', 'OomKillDisable discarded'],
  );
  for (const mode of ['v1', 'hybrid'] as const)
    assert.deepEqual(withoutAbsentLimits(wish, mode), { host: wish, warnings: [] });
});

it('what clients send of such limits without being asked is not told of', () => {
  const sent = { Memory: 1, MemorySwappiness: -1, OomKillDisable: false };
  assert.deepEqual(withoutAbsentLimits(sent, 'v2'), { host: { Memory: 1 }, warnings: [] });
});
