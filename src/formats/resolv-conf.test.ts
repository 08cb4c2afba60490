import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkResolverSettings, dotsWanted, parseResolvConf, writeResolvConf } from './resolv-conf.ts';

describe('a resolv.conf', () => {
  it('is read', () => {
    const text =
      '# nameserver 192.0.2.9\nnameserver 192.0.2.1 # first\n nameserver  fe80::1%eth0\ndomain a.example\nsearch b.example c.example\noptions edns0\noptions ndots:2 rotate\nnameserver\nsortlist x\n';
    assert.deepEqual(parseResolvConf(text), {
      servers: ['192.0.2.1', 'fe80::1%eth0'],
      search: ['b.example', 'c.example'],
      options: ['edns0', 'ndots:2', 'rotate'],
    });
    assert.deepEqual(parseResolvConf(''), { servers: [], search: [], options: [] });
    assert.deepEqual(parseResolvConf('search a\ndomain b\n').search, ['b']);
  });

  it('is written without empty lines', () => {
    assert.equal(
      writeResolvConf({ servers: ['1.1.1.1', '::1'], search: ['a', 'b'], options: [] }, ['x']),
      'nameserver 1.1.1.1\nnameserver ::1\nsearch a b\n\n# x\n',
    );
    assert.equal(writeResolvConf({ servers: [], search: [], options: ['rotate'] }), 'options rotate\n');
  });

  it('holds nothing that would be read as something else', () => {
    const good = { servers: ['192.0.2.1', 'fe80::1%eth0'], search: ['a.example', '.'], options: ['ndots:1'] };
    checkResolverSettings(good);
    for (const wrong of [
      { servers: ['example'] },
      { servers: ['1.2.3.4 x'] },
      { search: ['a\nnameserver 1.2.3.4'] },
      { options: ['a b'] },
    ])
      assert.throws(() => checkResolverSettings({ ...good, ...wrong }), { kind: 'invalid' });
  });

  it('says how many dots are wanted', () => {
    assert.equal(dotsWanted(['rotate', 'ndots:2', 'ndots:3']), 3);
    assert.equal(dotsWanted(['ndots:', 'ndots:x']), undefined);
  });
});
