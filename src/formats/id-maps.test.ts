import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { everyId, exchangeIds, formatIdMap } from './id-maps.ts';

describe('ids of a mount in which two are exchanged', () => {
  const text = (...given: Parameters<typeof exchangeIds>): string => formatIdMap(exchangeIds(...given));

  it('are all others as they were', () => {
    assert.equal(text(everyId, 1000, 0), '0 1000 1\n1 1 999\n1000 0 1\n1001 1001 4294966294\n');
    assert.equal(text(everyId, 0, 33), '0 33 1\n1 1 32\n33 0 1\n34 34 4294967261\n');
    assert.equal(text(everyId, 7, 7), '0 0 7\n7 7 1\n8 8 4294967287\n');
  });

  it('are those of the container, as far as it has them', () => {
    const own = [{ inside: 0, outside: 100_000, count: 65_536 }];
    assert.equal(text(own, 1000, 0), '0 101000 1\n1 100001 999\n1000 100000 1\n1001 101001 64535\n');
    assert.equal(text(own, 70_000, 0), '1 100001 65535\n70000 100000 1\n');
    assert.throws(() => exchangeIds(own, 0, 70_000), /the id 70000 has no place in the container's user namespace/);
  });
});
