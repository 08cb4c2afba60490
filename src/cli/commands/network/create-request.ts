import type { IpamConfigRequest, NetworkCreateRequest } from '../../../api/types/network.ts';
import { invalid } from '../../../base/errors.ts';
import { contains, overlaps, parseAddress, type Range, readCidr } from '../../../formats/ip-address.ts';
import { cutKeyValue, parseLabel } from '../../../formats/key-value.ts';
import type { ParsedFlags } from '../../flags.ts';

/** What `network create` asks the engine for. @throws invalid in Docker's words. */
export function createRequest(given: ParsedFlags, name: string): NetworkCreateRequest {
  const from = given.string('config-from');
  return {
    Name: name,
    Driver: given.string('driver'),
    Scope: given.string('scope'),
    EnableIPv4: given.given('ipv4') ? given.bool('ipv4') : undefined,
    EnableIPv6: given.given('ipv6') ? given.bool('ipv6') : undefined,
    IPAM: {
      Driver: given.string('ipam-driver'),
      Config: ipamConfigs(words(given, 'subnet'), {
        ranges: words(given, 'ip-range'),
        gateways: words(given, 'gateway'),
        auxiliary: pairs(given, 'aux-address'),
      }),
      Options: Object.fromEntries(pairs(given, 'ipam-opt')),
    },
    Internal: given.bool('internal'),
    Attachable: given.bool('attachable'),
    Ingress: given.bool('ingress'),
    ConfigOnly: given.bool('config-only'),
    ...(from ? { ConfigFrom: { Network: from } } : {}),
    Options: Object.fromEntries(pairs(given, 'opt')),
    Labels: Object.fromEntries(given.list('label').map(parseLabel)),
  };
}

/** A list of `strings` takes several words with commas between them. */
const words = (given: ParsedFlags, flag: string): string[] =>
  given
    .list(flag)
    .flatMap((text) => text.split(','))
    .filter(Boolean);

const pairs = (given: ParsedFlags, flag: string): [string, string][] =>
  given.list(flag).map((text) => {
    const { key, value = '' } = cutKeyValue(text);
    return [key, value];
  });

interface Belonging {
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
  readonly auxiliary: readonly (readonly [name: string, address: string])[];
}

/**
 * Ranges, gateways and addresses with the subnets that they lie in. @throws invalid for what lies in none, for two
 * of a kind in one subnet, and for subnets that overlap.
 */
export function ipamConfigs(
  subnets: readonly string[],
  { ranges, gateways, auxiliary }: Belonging,
): IpamConfigRequest[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length)
    throw invalid('every ip-range or gateway must have a corresponding subnet');
  const configs = new Map<string, { range: Range; config: IpamConfigRequest }>();
  const [only] = subnets;
  // the engine says what is wrong with it
  if (only !== undefined && subnets.length === 1 && !readCidr(only)) return [{ Subnet: only }];
  for (const text of subnets) {
    const range = rangeOf(text);
    for (const one of configs.values())
      if (overlaps(one.range, range)) throw invalid('multiple overlapping subnet configuration is not supported');
    configs.set(text, { range, config: { Subnet: text, AuxiliaryAddresses: {} } });
  }
  const owner = (what: string, isIn: (range: Range) => boolean, text: string): IpamConfigRequest => {
    const found = [...configs.values()].find(({ range }) => isIn(range));
    if (!found) throw invalid(`no matching subnet for ${what} ${text}`);
    return found.config;
  };
  for (const text of ranges) {
    const range = rangeOf(text);
    const config = owner('range', (subnet) => overlaps(subnet, range), text);
    if (config.IPRange)
      throw invalid(
        `cannot configure multiple ranges (${text}, ${config.IPRange}) on the same subnet (${config.Subnet})`,
      );
    config.IPRange = text;
  }
  for (const text of gateways) {
    const config = owner('gateway', isIn(text), text);
    if (config.Gateway)
      throw invalid(
        `cannot configure multiple gateways (${text}, ${config.Gateway}) for the same subnet (${config.Subnet})`,
      );
    config.Gateway = text;
  }
  for (const [name, address] of auxiliary) {
    const config = owner('aux-address', isIn(address), address);
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address };
  }
  return [...configs.values()].map(({ config }) => config);
}

function rangeOf(text: string): Range {
  const read = readCidr(text);
  if (!read) throw invalid(`invalid CIDR address: ${text}`);
  return read.range;
}

function isIn(text: string): (range: Range) => boolean {
  const address = parseAddress(text);
  return (range) => address !== undefined && contains(range, address);
}
