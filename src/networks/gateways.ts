import { contains, parseAddress, parseRange } from '../formats/ip-address.ts';
import type { Pool } from './driver-contract.ts';

/** Docker's names among the auxiliary addresses for a way out that is not the network's own gateway. */
export const wayOutKeys = { 4: 'DefaultGatewayIPv4', 6: 'DefaultGatewayIPv6' } as const;

/** Where containers of a subnet send what is for elsewhere; empty where it has no gateway. */
export const wayOut = (pool: Pool): string =>
  pool.auxiliary[pool.subnet.includes(':') ? wayOutKeys[6] : wayOutKeys[4]] ?? pool.gateway;

/** The subnet an address is in. */
export function poolOf(pools: readonly Pool[] | undefined, ip: string): Pool | undefined {
  const address = parseAddress(ip);
  return address && pools?.find(({ subnet }) => contains(parseRange(subnet), address));
}
