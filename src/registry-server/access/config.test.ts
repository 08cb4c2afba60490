import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accessSection, authSection } from './config.ts';

describe('a configuration of access', () => {
  const faultOf = (schema: typeof authSection | typeof accessSection, value: object): string =>
    schema
      .safeParse(value)
      .error?.issues.map(({ path: where, message }) => `${where.join('.')} ${message}`)
      .join() ?? '';

  it('is refused where it contradicts itself, or lacks something', () => {
    const htpasswd = { realm: 'r', path: '/x' };
    const external = { realm: 'r', service: 's', issuer: 'i', rootcertbundle: '/x' };
    assert.equal(faultOf(authSection, { htpasswd }), '');
    assert.equal(faultOf(authSection, { token: external }), '');
    assert.equal(faultOf(authSection, { none: null }), '');
    assert.match(faultOf(authSection, { htpasswd, none: {} }), /has only one of/);
    assert.match(
      faultOf(authSection, { token: { ...external, builtin: { path: '/x' } } }),
      /token.builtin cannot stand/,
    );
    for (const key of Object.keys(external))
      assert.match(
        faultOf(authSection, { token: { ...external, [key]: undefined } }),
        new RegExp(`token.${key} is needed`),
      );
    assert.match(faultOf(authSection, { silly: {} }), /silly/);
    const rule = { repositories: ['a'], actions: ['pull'] };
    assert.match(faultOf(accessSection, { rules: [rule] }), /rules.0 is for nobody/);
    assert.match(
      faultOf(accessSection, { rules: [{ ...rule, anonymous: true, actions: ['fly'] }] }),
      /rules.0.actions.0/,
    );
  });
});
