import type { NetworkDriver } from '../driver-contract.ts';

/** No network: a namespace of its own with loopback only. */
export function createNullDriver(): NetworkDriver {
  return {
    name: 'null',
    namespace: 'own',
    plan: () => ({ options: {}, addressing: undefined }),
    restore: async () => {},
    connect: () => {},
    publish: async () => {},
    unpublish: async () => {},
    replacePorts: async () => {},
    remove: async () => {},
    [Symbol.dispose]: () => {},
  };
}
