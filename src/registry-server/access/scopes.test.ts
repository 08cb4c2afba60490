import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { covers, formatScopes, parseScope, wantedOf } from './scopes.ts';

describe('scopes', () => {
  it('are read with colons in the name and classes in the type', () => {
    assert.deepEqual(parseScope('repository:host:5000/team/app:pull,push'), {
      type: 'repository',
      name: 'host:5000/team/app',
      actions: ['pull', 'push'],
    });
    assert.equal(parseScope('repository(plugin):a:pull')?.type, 'repository(plugin)');
    assert.deepEqual(parseScope('repository:a:')?.actions, []);
    for (const text of ['', 'repository', 'repository:a', ':a:pull', 'repository::pull'])
      assert.equal(parseScope(text), undefined, text);
  });

  it('name what a request needs', () => {
    const wanted = [
      { repository: 'team/app', actions: ['pull', 'push'] },
      { repository: '', actions: ['pull'] },
    ] as const;
    assert.equal(formatScopes(wanted), 'repository:team/app:pull,push registry:catalog:*');
  });

  it('ask for what the rules speak of', () => {
    assert.deepEqual(wantedOf({ type: 'repository', name: 'a', actions: ['*', 'fly'] })?.actions.length, 4);
    assert.deepEqual(wantedOf({ type: 'registry', name: 'catalog', actions: ['*'] }), {
      repository: '',
      actions: ['pull'],
    });
    assert.equal(wantedOf({ type: 'registry', name: 'other', actions: ['*'] }), undefined);
  });

  it('of a token cover a request action by action, and by *', () => {
    const granted = [
      { type: 'repository', name: 'a', actions: ['pull'] },
      { type: 'repository', name: 'b', actions: ['*'] },
    ];
    assert.equal(covers(granted, { repository: 'a', actions: ['pull'] }), true);
    assert.equal(covers(granted, { repository: 'a', actions: ['pull', 'push'] }), false);
    assert.equal(covers(granted, { repository: 'b', actions: ['push', 'delete'] }), true);
    assert.equal(covers(granted, { repository: 'c', actions: ['pull'] }), false);
    assert.equal(covers(granted, { repository: '', actions: ['pull'] }), false);
  });
});
