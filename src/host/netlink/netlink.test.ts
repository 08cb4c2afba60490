import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { errnoOf } from '../../base/errors.ts';
import { check, libc } from '../ffi.ts';
import { attribute, attributes, decode, encode, nested, textOf } from './message.ts';
import { elementChanges, fields } from './nftables.ts';
import { addAddress, addBridge, deleteLink, getLink, listLinksRequest } from './route.ts';
import { netlinkFamilies, openNetlink } from './socket.ts';

const CLONE_NEWNET = 0x40000000;
check(libc('int unshare(int)')(CLONE_NEWNET), 'unshare');

describe('netlink messages', () => {
  it('pads attributes to four bytes and keeps their true length', () => {
    assert.equal(attribute(3, 'lo').toString('hex'), '070003006c6f0000');
    assert.equal(attribute(4, 1500).toString('hex'), '08000400dc050000');
    assert.equal(nested(18, attribute(1, Buffer.from([7]))).toString('hex'), '0c0012800500010007000000');
  });

  it('carries header, sequence and payload there and back', () => {
    const bytes = Buffer.concat(
      [1, 2].map((sequence) => encode({ type: 16, flags: 4, payload: Buffer.from('abc') }, sequence)),
    );
    const [first, second] = decode(bytes);
    assert.deepEqual([first?.type, first?.sequence, first?.payload.toString()], [16, 1, 'abc']);
    assert.equal(second?.sequence, 2);
    assert.equal(bytes.readUInt16LE(6), 4 | 1);
  });

  it('reads what is whole of a truncated datagram', () => {
    const bytes = encode({ type: 16, flags: 0, payload: attribute(3, 'eth0') }, 9);
    assert.equal(decode(bytes.subarray(0, bytes.length - 4)).length, 0);
    assert.equal(attributes(attribute(3, 'eth0').subarray(0, 6)).size, 0);
    assert.equal(textOf(attributes(attribute(3, 'eth0')).get(3)), 'eth0');
  });

  it('spells an address as rtnetlink does', () => {
    assert.equal(
      addAddress(2, '10.0.0.1', 24, '10.0.0.255').payload.toString('hex'),
      '0218000002000000' + '080002000a000001' + '080001000a000001' + '080004000a0000ff',
    );
  });

  it('pads the fields of a concatenated key each', () => {
    const key = [fields.protocol(6), fields.port(8080)];
    const [, change] = elementChanges('tug', [{ set: 'published', key }], []);
    assert.match(change?.payload.toString('hex') ?? '', /060000001f900000$/);
  });
});

describe('a netlink socket', () => {
  it('changes links and reads them again', () => {
    using netlink = openNetlink(netlinkFamilies.route);
    netlink.change([addBridge({ name: 'nl0', mac: '02:42:00:00:00:01', mtu: 1400 })]);
    const [reply] = netlink.ask(getLink('nl0'));
    assert.equal(textOf(attributes(reply?.payload ?? Buffer.alloc(0), 16).get(3)), 'nl0');
    assert.ok(netlink.ask(listLinksRequest).length >= 2);
    netlink.change([deleteLink('nl0')]);
  });

  it('lists every link while another process makes and removes some', async () => {
    using netlink = openNetlink(netlinkFamilies.route);
    const names = Array.from({ length: 40 }, (_, at) => `nl${at}`);
    for (const name of names) netlink.change([addBridge({ name, mac: '02:42:00:00:00:01', mtu: 1400 })]);
    const comeAndGo = 'echo; while :; do ip link add zz type bridge; ip link delete zz; done';
    const others = spawn('sh', ['-c', comeAndGo], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(others, 'close');
    try {
      await once(others.stdout, 'data');
      for (let times = 0; times < 60; times += 1) {
        const replies = netlink.ask(listLinksRequest);
        const listed = new Set(replies.map(({ payload }) => textOf(attributes(payload, 16).get(3))));
        assert.deepEqual(
          names.filter((name) => !listed.has(name)),
          [],
        );
      }
    } finally {
      others.kill('SIGKILL');
      await ended;
      for (const name of names) netlink.change([deleteLink(name)]);
    }
  });

  it('throws what the kernel refuses, names the request, and is good for the next one', () => {
    using netlink = openNetlink(netlinkFamilies.route);
    const refused = () => netlink.change([deleteLink('nl1'), deleteLink('nl2')]);
    assert.throws(refused, (error) => errnoOf(error) === 'ENODEV' && /delete link nl1/.test(String(error)));
    assert.throws(() => netlink.ask(getLink('nl1')), { code: 'ENODEV' });
    assert.equal(netlink.ask(listLinksRequest).length > 0, true);
  });

  it('throws for an nftables transaction that fails as a whole', () => {
    using netlink = openNetlink(netlinkFamilies.netfilter);
    const key = [fields.protocol(6), fields.port(80)];
    assert.throws(() => netlink.change(elementChanges('none', [{ set: 'published', key }], [])), { code: 'ENOENT' });
  });
});
