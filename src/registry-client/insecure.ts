import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { invalid } from '../base/errors.ts';

/** Says for a registry host (`name[:port]`) whether plain HTTP and unverified certificates are allowed. */
export type InsecurePolicy = (host: string) => Promise<boolean>;

/**
 * The policy of Docker's `insecure-registries`: entries are `host`, `host:port` or a CIDR. `localhost` and the
 * loopback networks are always insecure. A name is looked up only when there are CIDR entries to compare with.
 * @throws invalid for an entry that is none of these.
 */
export function insecurePolicy(entries: readonly string[]): InsecurePolicy {
  const hosts = new Set<string>();
  const networks = new BlockList();
  let configuredNetworks = 0;
  for (const entry of entries) {
    const network = parseNetwork(entry);
    if (network) {
      networks.addSubnet(network.address, network.prefix, network.family);
      configuredNetworks += 1;
    } else if (/[/\s]/.test(entry) || entry === '') {
      throw invalid(
        `insecure registry ${JSON.stringify(entry)} is neither HOST, HOST:PORT nor a network such as 10.0.0.0/8`,
      );
    } else hosts.add(entry.toLowerCase());
  }
  return async (host) => {
    const name = hostName(host);
    if (isLoopback(host) || hosts.has(host.toLowerCase()) || hosts.has(name)) return true;
    if (configuredNetworks === 0) return false;
    return (await addressesOf(name)).some((address) => networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'));
  };
}

/** True for `localhost` and literal loopback addresses, with or without a port. */
export function isLoopback(host: string): boolean {
  const name = hostName(host);
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

function hostName(host: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d+$/, '')).toLowerCase();
}

function parseNetwork(entry: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', prefixText = ''] = entry.split('/');
  const version = isIP(address);
  const prefix = Number(prefixText);
  if (version === 0 || !/^\d{1,3}$/.test(prefixText) || prefix > (version === 4 ? 32 : 128)) return undefined;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

async function addressesOf(name: string): Promise<string[]> {
  if (isIP(name)) return [name];
  try {
    return (await lookup(name, { all: true })).map((found) => found.address);
  } catch {
    return []; // the connection will fail with the lookup's own error
  }
}
