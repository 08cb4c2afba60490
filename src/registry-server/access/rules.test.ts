import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '../contract.ts';
import { accessSection } from './config.ts';
import { createRules, missing, plainRules, type Rules } from './rules.ts';

function rulesOf(rules: object[], groups: Record<string, string[]> = {}): Rules {
  const section = accessSection.parse({ rules, groups });
  return createRules(section.rules ?? [], section.groups);
}

const allowed = (rules: Rules, user: string, repository: string): Action[] =>
  (['pull', 'push', 'delete', 'admin'] as const).filter((one) => rules.allows(rules.identify(user), repository, one));

describe('rules', () => {
  it('allow nothing that no rule speaks of', () => {
    const rules = rulesOf([{ repositories: ['team/*'], users: ['ada'], actions: ['pull', 'push'] }]);
    assert.deepEqual(allowed(rules, 'ada', 'team/app'), ['pull', 'push']);
    assert.deepEqual(allowed(rules, 'ada', 'other/app'), []);
    assert.deepEqual(allowed(rules, 'bob', 'team/app'), []);
    assert.deepEqual(allowed(rules, '', 'team/app'), []);
  });

  it('match * within a name and ** over slashes', () => {
    const rules = rulesOf([
      { repositories: ['team/*'], users: ['*'], actions: ['pull'] },
      { repositories: ['deep/**'], users: ['*'], actions: ['pull'] },
    ]);
    assert.deepEqual(allowed(rules, 'ada', 'team/a/b'), []);
    assert.deepEqual(allowed(rules, 'ada', 'teams/a'), []);
    assert.deepEqual(allowed(rules, 'ada', 'deep/a/b'), ['pull']);
  });

  it('add up, and admin stands for all', () => {
    const rules = rulesOf(
      [
        { repositories: ['**'], anonymous: true, actions: ['pull'] },
        { repositories: ['**'], groups: ['ops'], actions: ['admin'] },
        { repositories: ['team/app'], users: ['bob'], actions: ['push'] },
      ],
      { ops: ['ada'] },
    );
    assert.deepEqual(allowed(rules, '', 'team/app'), ['pull']);
    assert.deepEqual(allowed(rules, 'bob', 'team/app'), ['pull', 'push']);
    assert.deepEqual(allowed(rules, 'ada', 'anything'), ['pull', 'push', 'delete', 'admin']);
  });

  it('let only a rule for everything speak of the registry itself', () => {
    const rules = rulesOf([
      { repositories: ['**'], users: ['ada'], actions: ['admin'] },
      { repositories: ['*', '*/**'], users: ['bob'], actions: ['admin'] },
    ]);
    assert.deepEqual(allowed(rules, 'ada', ''), ['pull', 'push', 'delete', 'admin']);
    assert.deepEqual(allowed(rules, 'bob', ''), []);
    assert.deepEqual(missing(rules, rules.identify('bob'), [{ repository: '', actions: ['pull'] }]), []);
  });

  it('put the name of a user into a pattern, never a pattern into a name', () => {
    const rules = rulesOf([{ repositories: ['home/${user}/**'], users: ['*'], actions: ['push'] }]);
    assert.deepEqual(allowed(rules, 'ada', 'home/ada/x'), ['push']);
    assert.deepEqual(allowed(rules, 'bob', 'home/ada/x'), []);
    for (const hostile of ['*', '**', '?da', '[a-z]da', 'ada/x', '..']) {
      assert.deepEqual(allowed(rules, hostile, 'home/ada/x'), [], hostile);
    }
  });

  it('show the catalog to users, and to everybody where something may be pulled without a login', () => {
    const closed = rulesOf([{ repositories: ['a'], users: ['ada'], actions: ['pull'] }]);
    assert.deepEqual([closed.lists(closed.identify('')), closed.lists(closed.identify('zoe'))], [false, true]);
    const open = rulesOf([{ repositories: ['a'], anonymous: true, actions: ['pull'] }]);
    assert.equal(open.lists(open.identify('')), true);
  });

  it('say of several repositories which lacks what', () => {
    const rules = rulesOf([{ repositories: ['mine'], users: ['ada'], actions: ['pull', 'push'] }]);
    const wanted = [
      { repository: 'mine', actions: ['pull', 'push'] },
      { repository: 'theirs', actions: ['pull'] },
    ] as const;
    assert.deepEqual(missing(rules, rules.identify('ada'), wanted), [{ repository: 'theirs', actions: ['pull'] }]);
  });

  it('are everything for users, or for everybody, where there are none', () => {
    assert.deepEqual(allowed(plainRules('users'), '', 'a'), []);
    assert.equal(allowed(plainRules('users'), 'ada', 'a').length, 4);
    assert.equal(allowed(plainRules('everybody'), '', 'a').length, 4);
  });

  it('refuse a pattern that is none at the start', () => {
    const bad = { repositories: ['team/[', '${user}/['], users: ['*'], actions: ['pull'] };
    assert.throws(() => rulesOf([bad]), { kind: 'invalid' });
    assert.throws(() => rulesOf([{ ...bad, repositories: ['${user}/['] }]), { kind: 'invalid' });
  });
});
