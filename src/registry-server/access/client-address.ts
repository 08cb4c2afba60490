import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { invalid } from '../../base/errors.ts';

/** Where a request comes from, for the audit log and for counting failed logins. */
export type AddressOf = (request: IncomingMessage) => string;

/**
 * The address of the connection; from a proxy that is trusted, the last one of `X-Forwarded-For` that no trusted proxy
 * has. @param trusted addresses and subnets (`10.0.0.0/8`). @throws invalid for what is neither.
 */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  const proxies = new BlockList();
  for (const one of trusted) addSubnet(proxies, one);
  const isProxy = (address: string): boolean =>
    isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return (request) => {
    let address = plain(request.socket.remoteAddress ?? '');
    const passed = String(request.headers['x-forwarded-for'] ?? '').split(',');
    while (isProxy(address)) {
      const before = plain((passed.pop() ?? '').trim());
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

/** What of an address is counted as one: of IPv6 the 64 bits that a site gives to one network. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const first = head.split(':').filter(Boolean);
  const last = tail === undefined ? [] : tail.split(':').filter(Boolean);
  const all = [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last];
  return `${all.slice(0, 4).join(':')}::/64`;
}

/** An IPv4 address in IPv6's clothes (`::ffff:10.0.0.1`) without them. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');

function addSubnet(list: BlockList, text: string): void {
  const [address = '', bits] = text.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const longest = family === 'ipv6' ? 128 : 32;
  const prefix = bits === undefined ? longest : Number(bits);
  if (isIP(address) === 0 || bits === '' || !Number.isInteger(prefix) || prefix < 0 || prefix > longest)
    throw invalid(`trusted proxy "${text}" is neither an address nor a subnet such as 10.0.0.0/8`);
  list.addSubnet(address, prefix, family);
}
