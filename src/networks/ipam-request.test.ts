import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IpamConfigRequest } from '../api/types/network.ts';
import { parseRange } from '../formats/ip-address.ts';
import { defaultPools } from './ipam.ts';
import { addressWish, planAddressing } from './ipam-request.ts';

const wish = (...Config: IpamConfigRequest[]) => addressWish({ Name: 'x', EnableIPv6: true, IPAM: { Config } });
const ula = { base: parseRange('fd00:1::/48'), size: 64 };
const plan = (configs: IpamConfigRequest[], others: string[] = [], host: string[] = []) =>
  planAddressing(wish(...configs), [...defaultPools, ula], others.map(parseRange), host.map(parseRange));

describe('what is asked of the addresses of a network', () => {
  it('is refused with all faults at once', () => {
    for (const [config, fault] of [
      [{ Subnet: 'x' }, 'invalid subnet x: invalid CIDR block notation'],
      [{ Subnet: '10.1.1.5/24' }, 'invalid subnet 10.1.1.5/24: it should be 10.1.1.0/24'],
      [{ Subnet: '10.1.1.0/24', Gateway: 'x' }, 'invalid gateway x: invalid address'],
      [{ Subnet: '10.1.1.0/24', Gateway: 'fd00::1' }, 'invalid gateway fd00::1: parent subnet is an IPv4 block'],
      [
        { Subnet: '10.1.1.0/24', Gateway: '10.1.2.1' },
        "invalid gateway 10.1.2.1: parent subnet 10.1.1.0/24 doesn't contain this address",
      ],
      [
        { Subnet: '10.1.1.0/24', IPRange: '10.1.0.0/16' },
        'invalid ip-range 10.1.0.0/16: CIDR block is bigger than its parent subnet 10.1.1.0/24',
      ],
      [
        { Subnet: '10.1.1.0/24', IPRange: '10.1.2.0/25' },
        "invalid ip-range 10.1.2.0/25: parent subnet 10.1.1.0/24 doesn't contain ip-range",
      ],
      [
        { Subnet: '10.1.1.0/24', IPRange: '10.1.1.9/25', AuxiliaryAddresses: { a: '1.1.1.1' } },
        "invalid ip-range 10.1.1.9/25: it should be 10.1.1.0/25\ninvalid auxiliary address a: parent subnet 10.1.1.0/24 doesn't contain this address",
      ],
    ] as const)
      assert.throws(() => wish(config), { kind: 'invalid', message: `invalid network config:\n${fault}` });
    assert.throws(() => wish({ Gateway: '10.0.0.1' }), /needs a subnet/);
    assert.throws(() => addressWish({ Name: 'x', EnableIPv4: false }), /IPv4 or IPv6 must be enabled/);
    assert.throws(() => addressWish({ Name: 'x', IPAM: { Driver: 'other' } }), { kind: 'not-found' });
  });

  it('is filled up: subnets for families without, gateways for subnets without', () => {
    const { ipv4, ipv6 } = plan([], ['172.17.0.0/16'], ['172.18.0.0/16', 'fd00:1::/64']);
    const common = { range: '', auxiliary: {}, chosen: false };
    assert.deepEqual(ipv4, [{ subnet: '172.19.0.0/16', gateway: '172.19.0.1', ...common }]);
    assert.deepEqual(ipv6, [{ subnet: 'fd00:1:0:1::/64', gateway: 'fd00:1:0:1::1', ...common }]);
    const [first] = plan([
      { Subnet: '10.1.0.0/16', IPRange: '10.1.5.0/24', AuxiliaryAddresses: { a: '10.1.5.0' } },
    ]).ipv4;
    assert.deepEqual(first, {
      ...{ subnet: '10.1.0.0/16', gateway: '10.1.5.1', range: '10.1.5.0/24' },
      ...{ auxiliary: { a: '10.1.5.0' }, chosen: true },
    });
  });

  it('never takes what another network or the host has', () => {
    const [mine, part] = [{ Subnet: '10.1.0.0/16' }, { Subnet: '10.1.1.0/24' }];
    const overlapping = { kind: 'forbidden', message: /Pool overlaps with other one on this address space/ };
    assert.throws(() => plan([mine], ['10.1.1.0/24']), overlapping);
    assert.throws(() => plan([part], ['10.1.0.0/16']), overlapping);
    assert.throws(() => plan([mine, part]), overlapping);
    assert.throws(() => plan([mine], [], ['10.1.1.0/24']), /10\.1\.0\.0\/16 overlaps 10\.1\.1\.0\/24, which this host/);
    assert.equal(plan([part], [], ['10.0.0.0/8']).ipv4[0]?.subnet, '10.1.1.0/24');
    const both = [{ Subnet: '10.1.1.0/24', Gateway: '10.1.1.1', AuxiliaryAddresses: { a: '10.1.1.1' } }];
    assert.throws(() => plan(both), /Address already in use/);
  });
});
