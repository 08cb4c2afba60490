import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKind } from '../base/errors.ts';
import { chooseSubnet, nextAddress } from './ipam.ts';
import { defaultPools, formatIp, formatSubnet, lastOf, macOf, overlaps, parseCidr, parseIp } from './ipv4.ts';
import { containerNameservers } from './nameservers.ts';

const subnetOf = (text: string) => parseCidr(text).subnet;
const ip = (text: string): number => parseIp(text) ?? Number.NaN;

describe('IPv4 arithmetic', () => {
  it('reads and writes addresses and subnets', () => {
    assert.equal(formatIp(ip('255.0.10.1')), '255.0.10.1');
    for (const text of ['1.2.3', '1.2.3.256', 'a.b.c.d', '1.2.3.4.5', '']) assert.equal(parseIp(text), undefined);
    assert.equal(formatSubnet(subnetOf('192.168.77.9/20')), '192.168.64.0/20');
    assert.equal(formatIp(lastOf(subnetOf('10.0.0.0/8'))), '10.255.255.255');
    assert.throws(
      () => parseCidr('10.0.0.1/33'),
      (error) => isKind(error, 'invalid'),
    );
    assert.throws(
      () => parseCidr('10.0.0.1'),
      (error) => isKind(error, 'invalid'),
    );
  });

  it('knows which subnets overlap', () => {
    assert.equal(overlaps(subnetOf('172.16.0.0/12'), subnetOf('172.17.0.0/16')), true);
    assert.equal(overlaps(subnetOf('172.17.0.0/16'), subnetOf('172.18.0.0/16')), false);
  });

  it('derives a MAC address', () => assert.equal(macOf(ip('172.17.0.255')), '02:42:ac:11:00:ff'));
});

describe('chooseSubnet', () => {
  it("takes Docker's pools in their order and passes over what the host uses", () => {
    const choose = (...occupied: string[]) => formatSubnet(chooseSubnet(defaultPools, occupied.map(subnetOf)));
    assert.equal(choose(), '172.17.0.0/16');
    assert.equal(choose('172.17.5.0/24', '172.18.0.1/32'), '172.19.0.0/16');
    assert.equal(choose('172.16.0.0/12', '192.168.3.0/24'), '192.168.16.0/20');
    assert.equal(choose('0.0.0.0/1'), '172.17.0.0/16');
    assert.throws(
      () => choose('172.16.0.0/12', '192.168.0.0/16'),
      (error) => isKind(error, 'exhausted'),
    );
  });
});

describe('nextAddress', () => {
  const subnet = subnetOf('10.0.0.0/29');
  it('goes on after the last one and round again, never giving the first and last of the subnet', () => {
    const free = () => false;
    assert.equal(formatIp(nextAddress(subnet, ip('10.0.0.2'), free)), '10.0.0.3');
    assert.equal(formatIp(nextAddress(subnet, ip('10.0.0.6'), free)), '10.0.0.1');
    assert.equal(formatIp(nextAddress(subnet, ip('192.168.0.1'), free)), '10.0.0.1');
  });
  it('passes over taken ones, and says when none is left', () => {
    const only = (text: string) => (address: number) => address !== ip(text);
    assert.equal(formatIp(nextAddress(subnet, ip('10.0.0.4'), only('10.0.0.4'))), '10.0.0.4');
    assert.throws(
      () => nextAddress(subnet, ip('10.0.0.4'), () => true),
      (error) => isKind(error, 'exhausted'),
    );
  });
});

describe('containerNameservers', () => {
  it("leaves the host's file alone unless a container cannot reach its servers", () => {
    assert.equal(containerNameservers('nameserver 192.0.2.1\n', undefined), undefined);
    assert.deepEqual(containerNameservers('nameserver 127.0.0.1\nnameserver 192.0.2.1\n', undefined), ['192.0.2.1']);
    assert.deepEqual(containerNameservers('nameserver 127.0.0.53\n', 'nameserver 192.0.2.7\n'), ['192.0.2.7']);
    assert.deepEqual(containerNameservers('search x\n', undefined), ['8.8.8.8', '8.8.4.4']);
  });
});
