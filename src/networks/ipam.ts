import { TugError } from '../base/errors.ts';
import { contains, formatSubnet, lastOf, overlaps, type Subnet } from './ipv4.ts';

/** The first of `pools` that overlaps nothing the host uses. @throws exhausted when there is none. */
export function chooseSubnet(pools: readonly Subnet[], occupied: readonly Subnet[]): Subnet {
  // A route such as 0.0.0.0/1 (a VPN's way to take the default route) says nothing about single subnets.
  const taken = occupied.filter(({ prefix }) => prefix >= 8);
  const free = pools.find((pool) => !taken.some((other) => overlaps(pool, other)));
  if (!free) {
    throw new TugError('exhausted', 'all predefined address pools have been fully subnetted: set "bip" to a free one');
  }
  return free;
}

/**
 * The next free host address after `last`, going round: an address that was given back is taken again only
 * after all others, so that peers forget its former owner. The first (network) and last (broadcast) are never given.
 * @throws exhausted when none is left.
 */
export function nextAddress(subnet: Subnet, last: number, isTaken: (address: number) => boolean): number {
  const lowest = subnet.first + 1;
  const highest = lastOf(subnet) - 1;
  const start = contains(subnet, last) && last < highest ? Math.max(last + 1, lowest) : lowest;
  for (let tried = 0, address = start; tried <= highest - lowest; tried += 1) {
    if (!isTaken(address)) return address;
    address = address >= highest ? lowest : address + 1;
  }
  throw new TugError(
    'exhausted',
    `no available IPv4 addresses on this network's address pools: ${formatSubnet(subnet)}`,
  );
}
