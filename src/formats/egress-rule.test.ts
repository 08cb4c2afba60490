import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseEgress } from './egress-rule.ts';

describe('parseEgress', () => {
  it('reads ranges, addresses and all, in their order', () => {
    assert.deepEqual(parseEgress('allow=10.1.2.3/8, allow=fd00::/8,deny=192.0.2.7,deny=all'), [
      { action: 'allow', to: '10.0.0.0/8' },
      { action: 'allow', to: 'fd00::/8' },
      { action: 'deny', to: '192.0.2.7' },
      { action: 'deny', to: 'all' },
    ]);
  });

  it('refuses what is neither', () => {
    for (const text of [
      '',
      'allow',
      'permit=all',
      'allow=',
      'allow=host.example',
      'deny=10.0.0.0/33',
      'allow=all;drop',
    ])
      assert.throws(() => parseEgress(text), /bad format for egress/, text);
  });
});
