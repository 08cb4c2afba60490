import { TugError } from '../base/errors.ts';
import {
  bitsOf,
  contains,
  type Family,
  formatAddress,
  formatRange,
  lastOf,
  overlaps,
  parseAddress,
  parseRange,
  type Range,
} from '../formats/ip-address.ts';

/** Where subnets of new networks are taken from: those of `size` bits in `base`, one after the other. */
export interface AddressPool {
  readonly base: Range;
  readonly size: number;
}

/** Docker's: 172.17 to 172.31 with /16, then 192.168 in steps of /20. */
export const defaultPools: readonly AddressPool[] = [
  ...Array.from({ length: 15 }, (_, at) => ({ base: parseRange(`172.${17 + at}.0.0/16`), size: 16 })),
  { base: parseRange('192.168.0.0/16'), size: 20 },
];

/**
 * The first subnet of `pools` that overlaps nothing that is taken. @throws exhausted when there is none.
 */
export function chooseSubnet(family: Family, pools: readonly AddressPool[], occupied: readonly Range[]): Range {
  // A route such as 0.0.0.0/1 (a VPN's way to take the default route) says nothing about single subnets.
  const taken = occupied.filter((range) => range.family === family && range.prefix >= 8);
  for (const { base, size } of pools.filter((pool) => pool.base.family === family)) {
    const step = 1n << BigInt(bitsOf(family) - size);
    for (let first = base.first; first <= lastOf(base); ) {
      const candidate: Range = { family, first, prefix: size };
      const hindrance = taken.find((other) => overlaps(candidate, other));
      if (!hindrance) return candidate;
      first += step * ((lastOf(hindrance) - first) / step + 1n);
    }
  }
  throw new TugError(
    'exhausted',
    'all predefined address pools have been fully subnetted: remove networks, or set "default-address-pools" (for the default bridge "bip")',
  );
}

/** The addresses of a network that are not for containers: the first, IPv4's last, the gateway and auxiliary ones. */
export function reservedAddresses(pool: {
  readonly subnet: string;
  readonly gateway: string;
  readonly auxiliary: Readonly<Record<string, string>>;
}): Set<bigint> {
  const subnet = parseRange(pool.subnet);
  const named = [pool.gateway, ...Object.values(pool.auxiliary)].flatMap((text) => parseAddress(text)?.value ?? []);
  return new Set([...networkAddresses(subnet), ...named]);
}

/** What no host can have: the network's own address, and IPv4's broadcast. Subnets of one or two addresses have neither. */
const networkAddresses = (subnet: Range): bigint[] => {
  if (bitsOf(subnet.family) - subnet.prefix < 2) return [];
  return subnet.family === 4 ? [subnet.first, lastOf(subnet)] : [subnet.first];
};

/**
 * The next free address of `range` after `last`, going round: an address that was given back is taken again only
 * after all others, so that peers forget its former owner.
 * @throws exhausted when none is left.
 */
export function nextAddress(range: Range, last: string | undefined, isTaken: (address: bigint) => boolean): string {
  const [lowest, highest] = [range.first, lastOf(range)];
  const before = parseAddress(last ?? '');
  const start = before && contains(range, before) && before.value < highest ? before.value + 1n : lowest;
  for (let tried = lowest, value = start; tried <= highest; tried += 1n) {
    if (!isTaken(value)) return formatAddress({ family: range.family, value });
    value = value >= highest ? lowest : value + 1n;
  }
  throw new TugError(
    'exhausted',
    `no available IPv${range.family} addresses on this network's address pools: ${formatRange(range)}`,
  );
}
