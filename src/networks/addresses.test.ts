import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKind } from '../base/errors.ts';
import {
  covers,
  formatAddress,
  formatRange,
  lastOf,
  macOf,
  overlaps,
  parseAddress,
  parseRange,
  readCidr,
} from '../formats/ip-address.ts';
import { chooseSubnet, defaultPools, nextAddress, reservedAddresses } from './ipam.ts';

const again = (text: string): string => {
  const address = parseAddress(text);
  return address ? formatAddress(address) : 'none';
};

describe('addresses', () => {
  it('of IPv4 are read and written', () => {
    assert.equal(again('255.0.10.1'), '255.0.10.1');
    for (const text of ['1.2.3', '1.2.3.256', 'a.b.c.d', '1.2.3.4.5', '', '01.2.3.4'])
      assert.equal(again(text), 'none');
    assert.equal(formatRange(parseRange('192.168.77.9/20')), '192.168.64.0/20');
    assert.equal(formatAddress({ family: 4, value: lastOf(parseRange('10.0.0.0/8')) }), '10.255.255.255');
    for (const text of [
      '10.0.0.1/33',
      '10.0.0.1',
      '10.0.0.1/',
      'fd00::/129',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      '10.0.0.0/08',
    ])
      assert.throws(
        () => parseRange(text),
        (error) => isKind(error, 'invalid'),
      );
  });

  it('of IPv6 are read in every form and written in one', () => {
    for (const [text, wanted] of [
      ['::', '::'],
      ['::1', '::1'],
      ['FD00:0:0:1::2', 'fd00:0:0:1::2'],
      ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
      ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
      ['1:2:3:4:5:6:0:8', '1:2:3:4:5:6:0:8'],
      ['::ffff:192.0.2.1', '::ffff:c000:201'],
      ['2001:db8::', '2001:db8::'],
      ['10:0:0:0::100', '10::100'],
    ] as const)
      assert.equal(again(text), wanted, text);
    for (const text of [
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '12345::',
      'g::',
      '::1%eth0',
      '1:2:3:4:5:6:7::8',
    ])
      assert.equal(again(text), 'none', text);
    assert.equal(formatRange(parseRange('fd00:1:2:3:4::9/64')), 'fd00:1:2:3::/64');
    assert.equal(readCidr('fd00::5/64')?.address.value, parseAddress('fd00::5')?.value);
  });

  it('lie in subnets, which overlap and cover each other', () => {
    const [wide, narrow, other] = ['172.16.0.0/12', '172.17.0.0/16', '172.18.0.0/16'].map(parseRange);
    assert.ok(wide && narrow && other);
    assert.equal(overlaps(wide, narrow), true);
    assert.equal(overlaps(narrow, other), false);
    assert.deepEqual([covers(wide, narrow), covers(narrow, wide)], [true, false]);
    assert.equal(overlaps(parseRange('::/0'), narrow), false);
  });

  it('of IPv4 have a MAC address', () => assert.equal(macOf('172.17.0.255'), '02:42:ac:11:00:ff'));
});

describe('chooseSubnet', () => {
  const choose = (...occupied: string[]) => formatRange(chooseSubnet(4, defaultPools, occupied.map(parseRange)));
  it("takes Docker's pools in their order and passes over what the host uses", () => {
    assert.equal(choose(), '172.17.0.0/16');
    assert.equal(choose('172.17.5.0/24', '172.18.0.1/32'), '172.19.0.0/16');
    assert.equal(choose('172.16.0.0/12', '192.168.3.0/24'), '192.168.16.0/20');
    assert.equal(choose('0.0.0.0/1'), '172.17.0.0/16');
    assert.throws(
      () => choose('172.16.0.0/12', '192.168.0.0/16'),
      (error) => isKind(error, 'exhausted'),
    );
  });

  it('cuts big pools of either family into subnets, without going through all of them', () => {
    const pools = [
      { base: parseRange('10.0.0.0/8'), size: 28 },
      { base: parseRange('fd00::/8'), size: 64 },
    ];
    assert.equal(formatRange(chooseSubnet(4, pools, [parseRange('10.0.0.0/9')])), '10.128.0.0/28');
    assert.equal(formatRange(chooseSubnet(6, pools, [parseRange('fd00::/9'), parseRange('10.0.0.0/8')])), 'fd80::/64');
  });
});

describe('nextAddress', () => {
  const pool = { subnet: '10.0.0.0/29', gateway: '10.0.0.1', auxiliary: { router: '10.0.0.5' } };
  const subnet = parseRange(pool.subnet);
  const reserved = reservedAddresses(pool);
  const isReserved = (value: bigint) => reserved.has(value);
  it('goes on after the last one and round again, never giving what is reserved', () => {
    const turns: string[] = [];
    for (let last: string | undefined, turn = 0; turn < 5; turn += 1) {
      last = nextAddress(subnet, last, isReserved);
      turns.push(last);
    }
    assert.deepEqual(turns, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.6', '10.0.0.2']);
    assert.equal(nextAddress(subnet, '192.168.0.1', isReserved), '10.0.0.2');
    assert.equal(
      nextAddress(parseRange('fd00::/64'), 'fd00::ff', () => false),
      'fd00::100',
    );
  });
  it('passes over taken ones, and says when none is left', () => {
    const four = parseAddress('10.0.0.4')?.value;
    assert.equal(
      nextAddress(subnet, '10.0.0.4', (value) => value !== four),
      '10.0.0.4',
    );
    assert.throws(
      () => nextAddress(subnet, '10.0.0.4', () => true),
      (error) => isKind(error, 'exhausted'),
    );
  });
});
