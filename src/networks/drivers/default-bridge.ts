import { conflict, invalid } from '../../base/errors.ts';
import {
  type Address,
  contains,
  covers,
  type Family,
  formatAddress,
  formatRange,
  lastOf,
  parseAddress,
  parseRange,
  type Range,
  readCidr,
} from '../../formats/ip-address.ts';
import type { Addressing, Network, Pool } from '../driver-contract.ts';
import { wayOutKeys } from '../gateways.ts';
import { type AddressPool, chooseSubnet } from '../ipam.ts';

/** Docker's daemon options of the default bridge. */
export interface BridgeOptions {
  /** Address and subnet of the bridge, such as `10.9.0.1/24`. By default a free subnet is chosen once and kept. */
  readonly bip?: string;
  readonly bip6?: string;
  /** Part of the subnet that containers get addresses from. */
  readonly fixedCidr?: string;
  /** The same for IPv6; without `bip6` it is the subnet. */
  readonly fixedCidrV6?: string;
  /** Another way out than the bridge. */
  readonly defaultGateway?: string;
  readonly defaultGatewayV6?: string;
  readonly ipv6?: boolean;
  readonly mtu?: number;
  /** Whether containers on it may talk to each other; true by default. */
  readonly icc?: boolean;
  /** Whether its containers leave with the host's address; true by default. */
  readonly masquerade?: boolean;
  /** The host's address on which ports are published that name none; empty for all. */
  readonly hostBinding?: string;
  /** A bridge of the host's own to use, which is neither made nor removed. */
  readonly given?: string;
}

export interface DefaultBridgeDeps {
  readonly bridgeName: string;
  readonly options: BridgeOptions;
  readonly pools: readonly AddressPool[];
  /** The addresses of a link by its name, or undefined when there is none. */
  readonly addressesOf: (name: string) => readonly string[] | undefined;
}

/** See `NetworkDriver.plan`. @throws invalid for options that cannot be, conflict for a bridge that is not there. */
export function planDefaultBridge(
  deps: DefaultBridgeDeps,
  occupied: () => readonly string[],
  recorded: Network | undefined,
): Pick<Network, 'options' | 'driverOptions' | 'addressing' | 'enableIpv4' | 'enableIpv6'> {
  const { bridgeName, options } = deps;
  const bridge = options.given ?? bridgeName;
  const [mtu, icc] = [String(options.mtu ?? 1500), String(options.icc ?? true)];
  const [masquerade, hostBinding] = [String(options.masquerade ?? true), options.hostBinding ?? ''];
  const ipv4 = planFamily(deps, 4, occupied, recorded?.addressing?.ipv4[0]);
  const ipv6 = options.ipv6 ? [planFamily(deps, 6, occupied, recorded?.addressing?.ipv6[0])] : [];
  const addressing: Addressing = { ipv4: [ipv4], ipv6 };
  return {
    enableIpv4: true,
    enableIpv6: options.ipv6 ?? false,
    options: { bridge, mtu, icc, masquerade, hostBinding, prefix: 'eth', ...(options.given ? { given: 'true' } : {}) },
    driverOptions: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': icc,
      'com.docker.network.bridge.enable_ip_masquerade': masquerade,
      'com.docker.network.bridge.host_binding_ipv4': hostBinding || '0.0.0.0',
      'com.docker.network.bridge.name': bridge,
      'com.docker.network.driver.mtu': mtu,
    },
    addressing,
  };
}

const keysOf = {
  4: { bip: 'bip', fixed: 'fixed-cidr', gateway: 'default-gateway' },
  6: { bip: 'bip6', fixed: 'fixed-cidr-v6', gateway: 'default-gateway-v6' },
} as const;

function planFamily(
  deps: DefaultBridgeDeps,
  family: Family,
  occupied: () => readonly string[],
  recorded: Pool | undefined,
): Pool {
  const { options } = deps;
  const keys = keysOf[family];
  const four = family === 4;
  const fixed = four ? options.fixedCidr : options.fixedCidrV6;
  const range = fixed === undefined ? undefined : readRange(keys.fixed, fixed, family);
  const own =
    ownAddress(deps, family) ?? chosenBefore(family, range, recorded) ?? choose(deps, family, range, occupied);
  if (range && !covers(own.subnet, range))
    throw invalid(
      `invalid "${keys.fixed}" ${fixed}: it is not in the subnet ${formatRange(own.subnet)} of the default bridge`,
    );
  const narrowed = range && range.prefix > own.subnet.prefix ? formatRange(range) : '';
  const gateway = four ? options.defaultGateway : options.defaultGatewayV6;
  return {
    subnet: formatRange(own.subnet),
    gateway: formatAddress(own.address),
    range: narrowed,
    auxiliary: gateway ? { [wayOutKeys[family]]: gatewayIn(keys.gateway, own.subnet, gateway) } : {},
    chosen: false,
  };
}

interface Own {
  readonly address: Address;
  readonly subnet: Range;
}

/** What is configured, or what a bridge of the host's own has. */
function ownAddress({ options, addressesOf }: DefaultBridgeDeps, family: Family): Own | undefined {
  const bip = family === 4 ? options.bip : options.bip6;
  if (bip !== undefined) return addressFrom(keysOf[family].bip, bip, family);
  if (options.given === undefined) return undefined;
  const there = addressesOf(options.given);
  if (!there) throw conflict(`bridge device with non default name ${options.given} must be created manually`);
  const found = there
    .filter((text) => !/^fe[89ab]/i.test(text))
    .flatMap((text) => readCidr(text) ?? [])
    .find(({ address }) => address.family === family);
  if (!found)
    throw conflict(
      `the bridge ${options.given} has no address of IPv${family}: add one, or set "${keysOf[family].bip}"`,
    );
  return { address: found.address, subnet: found.range };
}

function addressFrom(key: string, bip: string, family: Family): Own {
  const read = readCidr(bip);
  if (read?.address.family !== family) throw invalid(`invalid CIDR address: ${bip}`);
  const { address, range } = read;
  if (address.value === range.first || (family === 4 && address.value >= lastOf(range)))
    throw invalid(`invalid "${key}" ${bip}: it must be a host address in its subnet, such as 172.20.0.1/16`);
  return { address, subnet: range };
}

/** What was chosen once is kept, if it still is what would be chosen. */
function chosenBefore(family: Family, range: Range | undefined, recorded: Pool | undefined): Own | undefined {
  const address = parseAddress(recorded?.gateway ?? '');
  if (!recorded || !address) return undefined;
  const subnet = parseRange(recorded.subnet);
  return range && (family === 6 ? recorded.subnet !== formatRange(range) : !covers(subnet, range))
    ? undefined
    : { address, subnet };
}

/** Containers' own part of IPv6 is the subnet, as in Docker; of IPv4 a subnet is chosen that may hold it. */
function choose(
  { pools }: DefaultBridgeDeps,
  family: Family,
  range: Range | undefined,
  occupied: () => readonly string[],
): Own {
  const subnet = range ?? chooseSubnet(family, pools, occupied().map(parseRange));
  return { subnet, address: { family, value: subnet.first + 1n } };
}

function readRange(key: string, text: string, family: Family): Range {
  const read = readCidr(text);
  if (read?.range.family !== family) throw invalid(`invalid "${key}" ${text}: it is no subnet of IPv${family}`);
  return read.range;
}

function gatewayIn(key: string, subnet: Range, text: string): string {
  const address = parseAddress(text);
  if (!address || !contains(subnet, address))
    throw invalid(
      `invalid "${key}" ${text}: it is no address in the subnet ${formatRange(subnet)} of the default bridge`,
    );
  return formatAddress(address);
}
