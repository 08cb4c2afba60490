import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Network } from './driver-contract.ts';
import { compileListFilters, compilePruneFilters, type NetworkPredicate } from './filters.ts';

const network = (name: string, more: Partial<Network> = {}): Network =>
  ({ id: `${name}-id`, name, driver: 'bridge', created: '2024-01-01T00:00:00Z', labels: {}, ...more }) as Network;

const networks = [
  network('bridge'),
  network('front', { labels: { tier: 'web', odd: '' } }),
  network('back', { labels: { tier: 'data' }, created: '2024-06-01T00:00:00Z', driver: 'macvlan' }),
];

const found = (matches: NetworkPredicate): string =>
  networks
    .filter(matches)
    .map(({ name }) => name)
    .join();
const listed = (filters: Record<string, string[]>): string =>
  found(compileListFilters(filters, ({ name }) => name === 'back'));
const pruned = (filters: Record<string, string[]>): string => found(compilePruneFilters(filters));

describe('filters of network ls', () => {
  it('choose by name, id, driver, label, scope, type and use', () => {
    assert.equal(listed({ name: ['fro', '^back$'] }), 'front,back');
    assert.equal(listed({ id: ['front-'] }), 'front');
    assert.equal(listed({ driver: ['macvlan'] }), 'back');
    assert.equal(listed({ label: ['tier'] }), 'front,back');
    assert.equal(listed({ label: ['tier=web', 'odd'] }), 'front');
    assert.equal(listed({ scope: ['local'] }), 'bridge,front,back');
    assert.equal(listed({ scope: ['swarm'] }), '');
    assert.equal(listed({ type: ['builtin'] }), 'bridge');
    assert.equal(listed({ dangling: ['true'] }), 'front');
    assert.equal(listed({ dangling: ['0'], type: ['custom'] }), 'back');
  });

  it('are refused when there are none such', () => {
    assert.throws(() => listed({ nosuch: ['1'] }), /invalid filter 'nosuch'/);
    assert.throws(() => listed({ dangling: ['maybe'] }), /invalid filter 'dangling=\[maybe\]'/);
    assert.throws(() => listed({ type: ['other'] }), /invalid filter: 'type'='other'/);
    assert.throws(() => listed({ until: ['1h'] }), /invalid filter 'until'/);
  });
});

describe('filters of network prune', () => {
  it('choose by label, its absence and age', () => {
    assert.equal(pruned({ label: ['tier=data'] }), 'back');
    assert.equal(pruned({ 'label!': ['tier=data'] }), 'bridge,front');
    assert.equal(pruned({ until: ['2024-03-01T00:00:00Z'] }), 'bridge,front');
    assert.equal(pruned({ until: ['24h'] }), 'bridge,front,back');
    assert.equal(pruned({ until: ['1710000000'], label: ['odd'] }), 'front');
  });

  it('are refused when there are none such', () => {
    assert.throws(() => pruned({ until: ['1h', '2h'] }), /more than one until filter specified/);
    assert.throws(() => pruned({ name: ['x'] }), /invalid filter 'name'/);
  });
});
