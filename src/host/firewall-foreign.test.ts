import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { acceptsFor, chainName, foreignFacts, stoppingChains } from './firewall-foreign.ts';

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

describe('firewalld', () => {
  const chain = (table: string, name: string, hook: string | undefined, policy: string) => ({
    chain: { family: 'inet', table, name, hook, policy },
  });
  const its = chain('firewalld', 'filter_FORWARD', 'forward', 'accept');

  it('stops what none of its rules accepts, though its policy is to accept', () => {
    const others = [chain('filter', 'INPUT', 'input', 'drop'), chain('filter', 'DOCKER', undefined, 'drop')];
    const text = listing({ metainfo: {} }, ...others, chain('tug', 'forward', 'forward', 'accept'), its);
    const { changeable, owned } = stoppingChains(text);
    assert.deepEqual([changeable.map(chainName), owned], [['inet firewalld filter_FORWARD'], []]);
    const facts = foreignFacts(text, 'tug', 'mark');
    const accepts = acceptsFor(facts, [{ name: 'a', ipv6: false }]);
    assert.deepEqual(
      accepts.map((each) => `${chainName(each.chain)} ${each.direction} ${each.bridge}`),
      ['inet firewalld filter_FORWARD iifname a', 'inet firewalld filter_FORWARD oifname a'],
    );
  });

  it('is left alone where its table is its own', () => {
    for (const flags of [['owner', 'persist'], 'owner', 'firewalld']) {
      const text = listing({ table: { family: 'inet', name: 'firewalld', flags } }, its);
      assert.deepEqual(foreignFacts(text, 'tug', 'mark').dropping, []);
      assert.deepEqual(stoppingChains(text).owned.map(chainName), ['inet firewalld filter_FORWARD']);
    }
  });
});
