import type { IpamConfigRequest, NetworkCreateRequest } from '../api/types/network.ts';
import { forbidden, invalid, notFound } from '../base/errors.ts';
import {
  contains,
  covers,
  formatAddress,
  formatRange,
  overlaps,
  parseAddress,
  parseRange,
  type Range,
  readCidr,
} from '../formats/ip-address.ts';
import type { Addressing, Pool } from './driver-contract.ts';
import { type AddressPool, chooseSubnet, nextAddress, reservedAddresses } from './ipam.ts';

/** What somebody wants of a network's addresses, checked as far as it can be without knowing others'. */
export interface AddressWish {
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  readonly configs: readonly IpamConfigRequest[];
  /** The families that have gateways only where somebody asks for one, such as those of a network outside. */
  readonly askedGateways?: readonly (4 | 6)[];
  /** Whether what is asked for is part of a network outside, to which the host may have routes. */
  readonly outside?: boolean;
}

/**
 * What of a request is about addresses. @throws invalid in Docker's words, all faults at once; not-found for an
 * address management other than the engine's.
 */
export function addressWish(request: NetworkCreateRequest): AddressWish {
  const enableIpv4 = request.EnableIPv4 ?? true;
  const enableIpv6 = request.EnableIPv6 ?? false;
  const driver = request.IPAM?.Driver || 'default';
  if (driver !== 'default') throw notFound(`plugin ${JSON.stringify(driver)} not found`);
  const configs = (request.IPAM?.Config ?? []).filter((config) => !isEmpty(config));
  const faults = configs.flatMap(configFaults);
  if (faults.length > 0) throw invalid(`invalid network config:\n${faults.join('\n')}`);
  if (!enableIpv4 && !enableIpv6) throw invalid('IPv4 or IPv6 must be enabled');
  const familyOf = ({ Subnet = '' }: IpamConfigRequest) => (Subnet === '' ? 4 : parseRange(Subnet).family);
  const used = configs.filter((config) => (familyOf(config) === 4 ? enableIpv4 : enableIpv6));
  return { enableIpv4, enableIpv6, configs: used };
}

const isEmpty = ({ Subnet, IPRange, Gateway, AuxiliaryAddresses }: IpamConfigRequest): boolean =>
  !Subnet && !IPRange && !Gateway && Object.keys(AuxiliaryAddresses ?? {}).length === 0;

function configFaults({ Subnet = '', IPRange = '', Gateway = '', AuxiliaryAddresses }: IpamConfigRequest): string[] {
  if (Subnet === '') return ['invalid subnet : an ip-range, a gateway or an auxiliary address needs a subnet'];
  const read = readCidr(Subnet);
  if (!read) return [`invalid subnet ${Subnet}: invalid CIDR block notation`];
  const subnet = read.range;
  const faults: string[] = [];
  if (read.address.value !== subnet.first) faults.push(`invalid subnet ${Subnet}: it should be ${formatRange(subnet)}`);
  faults.push(...rangeFaults(IPRange, subnet).map((fault) => `invalid ip-range ${IPRange}: ${fault}`));
  faults.push(...addressFaults(Gateway, subnet).map((fault) => `invalid gateway ${Gateway}: ${fault}`));
  for (const [name, address] of Object.entries(AuxiliaryAddresses ?? {}))
    faults.push(...addressFaults(address, subnet).map((fault) => `invalid auxiliary address ${name}: ${fault}`));
  return faults;
}

function rangeFaults(text: string, subnet: Range): string[] {
  if (text === '') return [];
  const read = readCidr(text);
  if (!read) return ['invalid CIDR block notation'];
  if (read.range.family !== subnet.family) return [`parent subnet is an IPv${subnet.family} block`];
  const faults: string[] = [];
  if (read.range.prefix < subnet.prefix)
    faults.push(`CIDR block is bigger than its parent subnet ${formatRange(subnet)}`);
  if (read.address.value !== read.range.first) faults.push(`it should be ${formatRange(read.range)}`);
  if (!overlaps(subnet, read.range)) faults.push(`parent subnet ${formatRange(subnet)} doesn't contain ip-range`);
  return faults;
}

function addressFaults(text: string, subnet: Range): string[] {
  if (text === '') return [];
  const address = parseAddress(text);
  if (!address) return ['invalid address'];
  if (address.family !== subnet.family) return [`parent subnet is an IPv${subnet.family} block`];
  return contains(subnet, address) ? [] : [`parent subnet ${formatRange(subnet)} doesn't contain this address`];
}

/**
 * The subnets of a new network: those that are asked for, and chosen ones for a family without.
 * @param others subnets of the engine's own networks, which none may touch.
 * @param host subnets that the host has routes to: a chosen one touches none, one that is asked for swallows none.
 * @throws forbidden for a subnet that is taken, exhausted.
 */
export function planAddressing(
  wish: AddressWish,
  pools: readonly AddressPool[],
  others: readonly Range[],
  host: readonly Range[],
): Addressing {
  const asked = wish.configs.map((config) => ({ config, range: parseRange(config.Subnet ?? '') }));
  const taken = [...others];
  for (const { range } of asked) {
    if (taken.some((other) => overlaps(other, range)))
      throw forbidden('invalid pool request: Pool overlaps with other one on this address space', {
        code: 'pool-overlaps',
      });
    const swallowed = wish.outside ? undefined : host.find((other) => covers(range, other));
    if (swallowed)
      throw forbidden(
        `invalid pool request: ${formatRange(range)} overlaps ${formatRange(swallowed)}, which this host has a route to`,
        { code: 'pool-overlaps' },
      );
    taken.push(range);
  }
  const family = (which: 4 | 6, enabled: boolean): Pool[] => {
    const own = asked.filter(({ range }) => range.family === which);
    if (!enabled) return [];
    const choose = !wish.askedGateways?.includes(which);
    if (own.length > 0) return own.map(({ config, range }) => poolOf(range, config, choose));
    return [poolOf(chooseSubnet(which, pools, [...taken, ...host]), undefined, choose)];
  };
  return { ipv4: family(4, wish.enableIpv4), ipv6: family(6, wish.enableIpv6) };
}

/** A subnet with its gateway: the one asked for, or the first address that may be given where one is to be chosen. */
function poolOf(subnet: Range, config: IpamConfigRequest | undefined, choose: boolean): Pool {
  const canonical = (text: string): string => {
    const address = parseAddress(text);
    return address ? formatAddress(address) : '';
  };
  const auxiliary = Object.fromEntries(
    Object.entries(config?.AuxiliaryAddresses ?? {}).map(([name, address]) => [name, canonical(address)]),
  );
  const range = config?.IPRange ?? '';
  const pool = { subnet: formatRange(subnet), gateway: '', range, auxiliary, chosen: config !== undefined };
  if (config?.Gateway) {
    const gateway = canonical(config.Gateway);
    if (Object.values(auxiliary).includes(gateway))
      throw forbidden('Address already in use', { code: 'address-in-use' });
    return { ...pool, gateway };
  }
  if (!choose) return pool;
  const reserved = reservedAddresses(pool);
  const within = range === '' ? subnet : parseRange(range);
  return { ...pool, gateway: nextAddress(within, undefined, (value) => reserved.has(value)) };
}

/** All subnets of networks. */
export const subnetsOf = (networks: readonly { readonly addressing: Addressing | undefined }[]): Range[] =>
  networks.flatMap(({ addressing }) =>
    [...(addressing?.ipv4 ?? []), ...(addressing?.ipv6 ?? [])].map(({ subnet }) => parseRange(subnet)),
  );
