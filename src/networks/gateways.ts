import type { Pool } from './driver-contract.ts';

/** Docker's names among the auxiliary addresses for a way out that is not the network's own gateway. */
export const wayOutKeys = { 4: 'DefaultGatewayIPv4', 6: 'DefaultGatewayIPv6' } as const;

/** Where containers of a subnet send what is for elsewhere. */
export const wayOut = (pool: Pool): string =>
  pool.auxiliary[pool.subnet.includes(':') ? wayOutKeys[6] : wayOutKeys[4]] ?? pool.gateway;
