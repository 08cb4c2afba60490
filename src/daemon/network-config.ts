import { invalid } from '../base/errors.ts';
import { bitsOf, readCidr } from '../formats/ip-address.ts';
import { type AddressPool, defaultPools } from '../networks/ipam.ts';
import type { BridgeOptions } from './builtins.ts';
import type { Settings } from './config-schema.ts';

/** What the configuration says about networks and their addresses. */
export interface NetworkConfig {
  /** What the engine's own bridge is called. */
  readonly bridgeName: string;
  /** False where there is to be no default bridge. */
  readonly defaultBridge: boolean;
  readonly options: BridgeOptions;
  /** Where subnets are chosen from; undefined for Docker's. */
  readonly pools: readonly AddressPool[];
  /** Options of new networks that do not say, by driver. */
  readonly defaultOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** @throws invalid for names of bridges and pools that are none, and for a bridge that is both given and addressed by `bridge-name`. */
export function networkConfig(given: Settings): NetworkConfig {
  const bridge = given.bridge || undefined;
  if (bridge !== undefined && given['bridge-name'] !== undefined)
    throw invalid(
      'bridge: it names a bridge of the host, "bridge-name" the engine\'s own; only one of them may be given',
    );
  if (bridge !== undefined && given.bip !== undefined)
    throw invalid(
      'You specified --bridge & --bip, mutually exclusive options. Please specify only one: a bridge of the host has its own addresses',
    );
  const text = {
    bip: given.bip,
    bip6: given.bip6,
    fixedCidr: given['fixed-cidr'],
    fixedCidrV6: given['fixed-cidr-v6'],
    defaultGateway: given['default-gateway'],
    defaultGatewayV6: given['default-gateway-v6'],
    given: bridge === undefined || bridge === 'none' ? undefined : linkName('bridge', bridge),
  };
  const told = Object.fromEntries(Object.entries(text).filter(([, value]) => value !== undefined && value !== ''));
  return {
    bridgeName: linkName('bridge-name', given['bridge-name'] ?? 'tug0'),
    defaultBridge: bridge !== 'none',
    options: {
      ...told,
      icc: given.icc ?? true,
      ipv6: given.ipv6 ?? false,
      ...(given.mtu === undefined ? {} : { mtu: given.mtu }),
    },
    pools: given['default-address-pools'] === undefined ? defaultPools : given['default-address-pools'].map(poolOf),
    defaultOptions: given['default-network-opts'] ?? {},
  };
}

/** Names of links are at most 15 bytes, without slashes, spaces and colons (Linux, IFNAMSIZ). */
function linkName(key: string, value: string): string {
  if (!/^[^\s/:]{1,15}$/.test(value) || value === '.' || value === '..') {
    throw invalid(`${key}: ${JSON.stringify(value)} is no name for a network interface (1 to 15 characters)`);
  }
  return value;
}

/** `base=10.0.0.0/8,size=24` of the command line, as the object of the file. @throws Error with a sentence. */
export function parsePool(text: string): { base: string; size: number } {
  const fields = Object.fromEntries(text.split(',').map((field) => field.split(/=(.*)/s, 2)));
  const { base, size, ...others } = fields as Record<string, string>;
  if (base === undefined || size === undefined || !/^\d+$/.test(size) || Object.keys(others).length > 0)
    throw new Error(`${JSON.stringify(text)}: it is base=SUBNET,size=BITS, such as base=10.200.0.0/16,size=24`);
  return { base, size: Number(size) };
}

/** Several `bridge=com.docker.network.driver.mtu=1400` of the command line, as the object of the file. @throws Error with a sentence. */
export function parseNetworkOptions(texts: readonly string[]): Record<string, Record<string, string>> {
  const options: Record<string, Record<string, string>> = {};
  for (const text of texts) {
    const [, driver, option, value] = /^([^=]+)=([^=]+)=(.*)$/s.exec(text) ?? [];
    if (driver === undefined || option === undefined || value === undefined)
      throw new Error(`${JSON.stringify(text)}: it is DRIVER=OPTION=VALUE`);
    options[driver] = { ...options[driver], [option]: value };
  }
  return options;
}

function poolOf({ base, size }: { base: string; size: number }): AddressPool {
  const read = readCidr(base);
  if (!read) throw invalid(`default-address-pools: invalid base pool ${JSON.stringify(base)}: invalid CIDR address`);
  const { range } = read;
  if (size < range.prefix || size > bitsOf(range.family))
    throw invalid(
      `default-address-pools: the subnet size ${size} is not between ${range.prefix} and ${bitsOf(range.family)}: the base pool is ${base}`,
    );
  return { base: range, size };
}
