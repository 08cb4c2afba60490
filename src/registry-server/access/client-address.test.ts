import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { createAddressOf, networkOf } from './client-address.ts';

const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: forwarded ? { 'x-forwarded-for': forwarded } : {} }) as IncomingMessage;

describe('the address of a client', () => {
  it('is that of the connection', () => {
    const addressOf = createAddressOf([]);
    assert.equal(addressOf(from('::ffff:10.0.0.1', '6.6.6.6')), '10.0.0.1');
    assert.equal(addressOf(from('2001:db8::1')), '2001:db8::1');
  });

  it('is what a trusted proxy says, and not what its client says', () => {
    const addressOf = createAddressOf(['10.0.0.0/8', '::1']);
    assert.equal(addressOf(from('10.0.0.1', '6.6.6.6, 192.0.2.7')), '192.0.2.7');
    assert.equal(addressOf(from('10.0.0.1', '6.6.6.6, 192.0.2.7, 10.1.1.1')), '192.0.2.7');
    assert.equal(addressOf(from('::1', 'nonsense')), '::1');
    assert.equal(addressOf(from('10.0.0.1')), '10.0.0.1');
    assert.equal(addressOf(from('11.0.0.1', '192.0.2.7')), '11.0.0.1');
  });

  it('cannot be trusted of what is no address', () => {
    for (const text of ['proxy', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '::/129'])
      assert.throws(() => createAddressOf([text]), { kind: 'invalid' }, text);
  });

  it('counts as its /64 of IPv6', () => {
    assert.equal(networkOf('10.0.0.1'), '10.0.0.1');
    assert.equal(networkOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(networkOf('2001:db8::9'), '2001:db8:0:0::/64');
    assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  });
});
