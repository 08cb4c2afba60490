import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileListFilters, compilePruneFilters, type VolumePredicate } from './filters.ts';
import type { VolumeRecord } from './store.ts';

const volume = (name: string, created: string, labels: VolumeRecord['labels']): VolumeRecord => ({
  ...{ name, created, labels, driver: 'local', options: {} },
});

const volumes = [
  volume('old', '2024-01-01T00:00:00Z', { kind: 'a', odd: '' }),
  volume('new', '2024-06-01T00:00:00Z', { kind: 'b' }),
  volume('bare', '2024-06-01T00:00:00Z', null),
];

const found = (matches: VolumePredicate): string =>
  volumes
    .filter(matches)
    .map(({ name }) => name)
    .join();
const listed = (filters: Record<string, string[]>): string =>
  found(compileListFilters(filters, (name) => name === 'new'));
const pruned = (filters: Record<string, string[]>): string => found(compilePruneFilters(filters));

describe('filters of volumes', () => {
  it('of ls choose by name, driver, label and use', () => {
    assert.equal(listed({ name: ['ol', 'bar'] }), 'old,bare');
    assert.equal(listed({ driver: ['other'] }), '');
    assert.equal(listed({ label: ['kind'] }), 'old,new');
    assert.equal(listed({ label: ['kind=a', 'odd'] }), 'old');
    assert.equal(listed({ dangling: ['false'] }), 'new');
  });

  it('of prune choose by label, its absence and age', () => {
    assert.equal(pruned({ label: ['kind=b'] }), 'new');
    assert.equal(pruned({ 'label!': ['kind'] }), 'bare');
    assert.equal(pruned({ until: ['2024-03-01T00:00:00Z'] }), 'old');
    assert.equal(pruned({ until: ['1h'], 'label!': ['kind=a'] }), 'new,bare');
  });

  it('are refused when there are none such', () => {
    assert.throws(() => listed({ until: ['1h'] }), /invalid filter 'until'/);
    assert.throws(() => pruned({ name: ['x'] }), /invalid filter 'name'/);
  });
});
