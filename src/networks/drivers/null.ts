import { forbidden } from '../../base/errors.ts';
import type { NetworkDriver } from '../driver-contract.ts';

/** No network: a namespace of its own with loopback only. */
export function createNullDriver(): NetworkDriver {
  return {
    name: 'null',
    namespace: 'own',
    plan: () => ({ options: {}, driverOptions: {}, addressing: undefined, enableIpv4: true, enableIpv6: false }),
    draft: () => {
      throw forbidden('only one instance of "null" network is allowed');
    },
    make: () => {},
    restore: async () => {},
    connect: () => {},
    disconnect: () => {},
    publish: async () => {},
    unpublish: async () => {},
    replacePorts: async () => {},
    remove: async () => {},
    [Symbol.dispose]: () => {},
  };
}
