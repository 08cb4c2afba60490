import { internal } from '../../base/errors.ts';
import type { NetworkDriver } from '../driver-contract.ts';

/** The host's own network: no namespace, no links, no published ports. */
export function createHostDriver(): NetworkDriver {
  return {
    name: 'host',
    namespace: 'host',
    plan: () => ({ options: {}, addressing: undefined }),
    restore: async () => {},
    connect: () => {
      throw internal('nothing is connected to the host network: its containers stay in the host namespace');
    },
    publish: async () => {},
    unpublish: async () => {},
    replacePorts: async () => {},
    remove: async () => {},
    [Symbol.dispose]: () => {},
  };
}
