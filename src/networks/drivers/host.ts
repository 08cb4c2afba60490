import { forbidden, internal } from '../../base/errors.ts';
import type { NetworkDriver } from '../driver-contract.ts';

/** The host's own network: no namespace, no links, no published ports. */
export function createHostDriver(): NetworkDriver {
  return {
    name: 'host',
    namespace: 'host',
    plan: () => ({ options: {}, driverOptions: {}, addressing: undefined, enableIpv4: true, enableIpv6: false }),
    draft: () => {
      throw forbidden('only one instance of "host" network is allowed');
    },
    make: () => {},
    restore: async () => {},
    connect: () => {
      throw internal('nothing is connected to the host network: its containers stay in the host namespace');
    },
    disconnect: () => {},
    publish: async () => {},
    unpublish: async () => {},
    replacePorts: async () => {},
    remove: async () => {},
    [Symbol.dispose]: () => {},
  };
}
