import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { acceptsFor, foreignFacts } from './firewall-foreign.ts';

const forward = (table: string, policy: string, family = 'ip') => ({
  chain: { family, table, name: 'FORWARD', hook: 'forward', policy },
});
const listing = (...nftables: object[]): string => JSON.stringify({ nftables });

describe('foreignFacts', () => {
  it('finds chains that drop what is forwarded, of either family, and leaves its own table out', () => {
    const text = listing(
      forward('filter', 'drop'),
      forward('other', 'accept'),
      forward('tug-1', 'drop'),
      forward('filter', 'drop', 'ip6'),
    );
    const facts = foreignFacts(text, 'tug-1', 'mark');
    const chain = { table: 'filter', chain: 'FORWARD' };
    assert.deepEqual(facts.dropping, [
      { family: 'ip', ...chain },
      { family: 'ip6', ...chain },
    ]);
    const bridges = [
      { name: 'a', ipv6: false },
      { name: 'b', ipv6: true },
    ];
    assert.equal(acceptsFor(facts, bridges).length, 6);
    assert.equal(facts.forwarding, true);
    assert.equal(foreignFacts(listing(forward('tug-1', 'accept')), 'tug-1', 'mark').forwarding, false);
  });

  it("prefers Docker's chain for rules of users where the dropping chain jumps to it", () => {
    const rule = (expr: unknown) => ({
      rule: { family: 'ip', table: 'filter', chain: 'FORWARD', handle: 3, expr: [expr] },
    });
    const jumping = listing(forward('filter', 'drop'), rule({ jump: { target: 'DOCKER-USER' } }));
    assert.equal(foreignFacts(jumping, 'tug-1', 'mark').dropping[0]?.chain, 'DOCKER-USER');
    const unused = listing(forward('filter', 'drop'), rule({ jump: { target: 'DOCKER-FORWARD' } }));
    assert.equal(foreignFacts(unused, 'tug-1', 'mark').dropping[0]?.chain, 'FORWARD');
  });

  it('finds the rules that carry its mark, and no others', () => {
    const rule = (handle: number, comment?: string) => ({
      rule: { family: 'ip', table: 'filter', chain: 'FORWARD', handle, comment },
    });
    const { marked } = foreignFacts(listing(rule(1), rule(2, 'tug-2'), rule(3, 'tug-1')), 'tug-1', 'tug-1');
    assert.deepEqual(marked, [{ family: 'ip', table: 'filter', chain: 'FORWARD', handle: 3 }]);
  });
});
