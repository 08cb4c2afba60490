import { isIPv4 } from 'node:net';
import { conflict, invalid, unsupported } from '../../base/errors.ts';
import { shortId } from '../../base/ids.ts';
import type { GatewayMode } from '../../host/firewall-open.ts';
import type { Network, NetworkDraft } from '../driver-contract.ts';

/** What the bridge driver keeps about a network. */
export interface BridgeSettings {
  readonly bridge: string;
  readonly mtu: string;
  /** Whether its containers may talk to each other: `true` or `false`. */
  readonly icc: string;
  /** Whether addresses are translated on the way out. */
  readonly masquerade: string;
  /** Where ports are published when nobody says; empty for the engine's default. */
  readonly hostBinding: string;
  /** What interfaces of its containers are called, before their number. */
  readonly prefix: string;
  /** How containers are reached by their own addresses, by family. */
  readonly gatewayMode4: GatewayMode;
  readonly gatewayMode6: GatewayMode;
  /** Which families have only the gateways that are asked for; absent where both have one. */
  readonly gateway?: string;
}

const own = 'com.docker.network.bridge.';

/** Docker's options of bridge networks that a network here can have. */
export const bridgeOptionNames = {
  name: `${own}name`,
  icc: `${own}enable_icc`,
  masquerade: `${own}enable_ip_masquerade`,
  hostBinding: `${own}host_binding_ipv4`,
  gatewayMode4: `${own}gateway_mode_ipv4`,
  gatewayMode6: `${own}gateway_mode_ipv6`,
  mtu: 'com.docker.network.driver.mtu',
  prefix: 'com.docker.network.container_iface_prefix',
} as const;

/** Docker's options that change nothing with these values, which are its defaults. */
const asDefault: Readonly<Record<string, readonly string[]>> = {
  [`${own}default_bridge`]: ['false'],
  [`${own}inhibit_ipv4`]: ['false'],
  [`${own}trusted_host_interfaces`]: [''],
  'com.docker.network.host_ipv4': [''],
  'com.docker.network.host_ipv6': [''],
};

/**
 * What a network's options mean. Options that are not Docker's are the user's own, and only shown.
 * @throws invalid for a bad value, unsupported for what Docker's driver can and this one cannot, conflict for a bridge another network has.
 */
export function bridgeSettings(network: NetworkDraft, others: readonly Network[], mtu: number): BridgeSettings {
  const { driverOptions: given } = network;
  refuseUnbuilt(given);
  const bridge = linkName(given[bridgeOptionNames.name] || `br-${shortId(network.id)}`);
  const owner = others.find(({ options }) => options['bridge'] === bridge);
  if (owner)
    throw conflict(
      `network ${network.name} with bridge name ${bridge} conflicts with network ${owner.name}: bridge already exists`,
    );
  const hostBinding = given[bridgeOptionNames.hostBinding] ?? '';
  if (hostBinding !== '' && !isIPv4(hostBinding))
    throw invalid(
      `invalid value for ${bridgeOptionNames.hostBinding}: ${JSON.stringify(hostBinding)} is no IPv4 address`,
    );
  const prefix = given[bridgeOptionNames.prefix] || 'eth';
  if (!/^[^\s/:.%]{1,12}$/.test(prefix) || prefix === 'lo')
    throw invalid(`invalid value for ${bridgeOptionNames.prefix}: ${JSON.stringify(prefix)}`);
  return {
    bridge,
    mtu: String(mtuOf(given[bridgeOptionNames.mtu], mtu)),
    icc: toggle(given, bridgeOptionNames.icc),
    masquerade: toggle(given, bridgeOptionNames.masquerade),
    hostBinding: hostBinding === '0.0.0.0' ? '' : hostBinding,
    prefix,
    ...gatewayModes(network),
  };
}

const modes = ['nat', 'nat-unprotected', 'routed', 'isolated'] as const satisfies GatewayMode[];

function gatewayModes({ driverOptions: given, internal }: NetworkDraft) {
  const [gatewayMode4, gatewayMode6] = [bridgeOptionNames.gatewayMode4, bridgeOptionNames.gatewayMode6].map((key) => {
    const asked = given[key] || 'nat';
    const mode = modes.find((one) => one === asked);
    if (!mode) throw invalid(`unknown gateway mode ${asked}`);
    return mode;
  }) as [GatewayMode, GatewayMode];
  const isolated = [gatewayMode4, gatewayMode6].map((mode) => mode === 'isolated');
  if (isolated.some(Boolean) && !internal)
    throw invalid("gateway mode 'isolated' can only be used for an internal network");
  const gateway = isolated.every(Boolean) ? 'asked' : isolated[0] ? 'asked-4' : isolated[1] ? 'asked-6' : undefined;
  return { gatewayMode4, gatewayMode6, ...(gateway ? { gateway } : {}) };
}

function refuseUnbuilt(given: Readonly<Record<string, string>>): void {
  const known: readonly string[] = Object.values(bridgeOptionNames);
  for (const [key, value] of Object.entries(given)) {
    if (!key.startsWith('com.docker.network.') || known.includes(key) || asDefault[key]?.includes(value)) continue;
    throw unsupported(`the option ${key}=${value} of bridge networks: not available in this version of tug`, {
      code: 'not-built',
    });
  }
}

/** On where nothing is said. Docker takes what Go takes for a boolean. */
function toggle(given: Readonly<Record<string, string>>, key: string): string {
  const value = given[key] ?? 'true';
  if (/^(1|t|true)$/i.test(value)) return 'true';
  if (/^(0|f|false)$/i.test(value)) return 'false';
  throw invalid(`invalid value for ${key}: ${JSON.stringify(value)} is neither true nor false`);
}

/** Bridges and pairs of links carry 68 to 65535 bytes (Linux, ETH_MIN_MTU and ETH_MAX_MTU). */
function mtuOf(text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise;
  const mtu = Number(text);
  if (!/^\d+$/.test(text) || (mtu !== 0 && (mtu < 68 || mtu > 65535)))
    throw invalid(`invalid value for ${bridgeOptionNames.mtu}: ${JSON.stringify(text)} is not between 68 and 65535`);
  return mtu || otherwise;
}

function linkName(value: string): string {
  if (!/^[^\s/:%]{1,15}$/.test(value) || value === '.' || value === '..')
    throw invalid(`invalid bridge name ${JSON.stringify(value)}: a link's name has 1 to 15 characters`);
  return value;
}
