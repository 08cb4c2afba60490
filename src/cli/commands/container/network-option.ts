import type { EndpointConfig } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';
import type { ParsedFlags } from '../../flags.ts';

interface NetworkOption {
  readonly name: string;
  readonly endpoint: EndpointConfig;
}

/** `--network NAME`, or its long form `name=NAME,alias=A,ip=...`. @throws invalid. */
export function parseNetworkOption(text: string): NetworkOption {
  if (!/[=,]/.test(text)) return { name: text, endpoint: {} };
  let name = '';
  const endpoint: EndpointConfig = {};
  const aliases: string[] = [];
  const addresses: NonNullable<EndpointConfig['IPAMConfig']> = {};
  const options: Record<string, string> = {};
  for (const field of text.split(',')) {
    const { key, value } = cutKeyValue(field);
    if (value === undefined || value === '') throw invalid(`invalid field ${field}`);
    switch (key.trim().toLowerCase()) {
      case 'name':
        name = value;
        break;
      case 'alias':
        aliases.push(value);
        break;
      case 'ip':
        addresses.IPv4Address = value;
        break;
      case 'ip6':
        addresses.IPv6Address = value;
        break;
      case 'link-local-ip':
        addresses.LinkLocalIPs = [...(addresses.LinkLocalIPs ?? []), value];
        break;
      case 'mac-address':
        endpoint.MacAddress = value;
        break;
      case 'driver-opt': {
        const option = cutKeyValue(value);
        if (option.value === undefined) throw invalid('invalid key value pair format in driver options');
        options[option.key] = option.value;
        break;
      }
      case 'gw-priority':
        endpoint.GwPriority = Number(value);
        if (!Number.isInteger(endpoint.GwPriority)) throw invalid(`invalid gw-priority: ${value}`);
        break;
      default:
        throw invalid(`invalid field key ${key}`);
    }
  }
  if (name === '') throw invalid('invalid field name: the network has no name');
  if (aliases.length > 0) endpoint.Aliases = aliases;
  if (Object.keys(addresses).length > 0) endpoint.IPAMConfig = addresses;
  if (Object.keys(options).length > 0) endpoint.DriverOpts = options;
  return { name, endpoint };
}

/**
 * The networks of a container and its endpoints in them: the first one is its network mode. `--ip`, `--network-alias`
 * and their like belong to the first.
 * @throws invalid when one of them is given in the long form too.
 */
export function networksOf(flags: ParsedFlags): { mode: string; endpoints: Record<string, EndpointConfig> } {
  const [first, ...others] = flags.list('network').map(parseNetworkOption);
  const primary: NetworkOption = {
    name: first?.name ?? 'default',
    endpoint: withFlags(first?.endpoint ?? {}, flags, first?.name ?? 'default'),
  };
  const named = [primary, ...others];
  const endpoints: Record<string, EndpointConfig> = {};
  for (const { name, endpoint } of named) {
    if (endpoints[name]) throw invalid(`network "${name}" is specified multiple times`);
    if (named.length > 1 || Object.keys(endpoint).length > 0) endpoints[name] = endpoint;
  }
  return { mode: primary.name, endpoints };
}

function withFlags(endpoint: EndpointConfig, flags: ParsedFlags, name: string): EndpointConfig {
  const conflict = (what: string, given: boolean, there: unknown) => {
    if (given && there !== undefined)
      throw invalid(`conflicting options: cannot specify both --${what} and per-network ${what}`);
  };
  const result = { ...endpoint };
  const addresses = { ...endpoint.IPAMConfig };
  conflict('network-alias', flags.given('network-alias'), endpoint.Aliases);
  conflict('ip', flags.given('ip'), addresses.IPv4Address);
  conflict('ip6', flags.given('ip6'), addresses.IPv6Address);
  conflict('link-local-ip', flags.given('link-local-ip'), addresses.LinkLocalIPs);
  conflict('mac-address', flags.given('mac-address'), endpoint.MacAddress);
  if (flags.given('network-alias') && !isUsers(name))
    throw invalid('network-scoped aliases are only supported for user-defined networks');
  if (flags.given('network-alias')) result.Aliases = [...flags.list('network-alias')];
  if (flags.given('ip')) addresses.IPv4Address = flags.string('ip');
  if (flags.given('ip6')) addresses.IPv6Address = flags.string('ip6');
  if (flags.given('link-local-ip')) addresses.LinkLocalIPs = [...flags.list('link-local-ip')];
  if (flags.given('link') && isUsers(name)) result.Links = [...flags.list('link')];
  if (flags.given('mac-address')) result.MacAddress = flags.string('mac-address');
  if (Object.keys(addresses).length > 0) result.IPAMConfig = addresses;
  return result;
}

/** Whether a mode names a network that a user made. */
const isUsers = (mode: string): boolean =>
  !['default', 'bridge', 'host', 'none'].includes(mode) && !mode.startsWith('container:');
