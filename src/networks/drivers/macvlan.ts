import { forbidden, invalid } from '../../base/errors.ts';
import type { SublinkKind } from '../../host/netlink/sublink.ts';
import type { NetworkDriver } from '../driver-contract.ts';
import { createParentDriver, oneOf } from './parent-driver.ts';

const modes = ['bridge', 'private', 'vepa', 'passthru'] as const;

/**
 * Containers as machines of their own on the network of one of the host's interfaces, its parent, each with its own
 * MAC address. The kernel lets them and the host's own addresses on the parent not talk to each other.
 */
export const createMacvlanDriver = (engineId: string): NetworkDriver =>
  createParentDriver(engineId, {
    name: 'macvlan',
    isolatedPrefix: 'dm-',
    options: ['macvlan_mode'],
    settings: ({ driverOptions }) => ({ mode: modeOf(driverOptions['macvlan_mode']) }),
    does: ({ options }): SublinkKind => ({ kind: 'macvlan', mode: modeOf(options['mode']) }),
    share(parent, { options: { mode } }, { id, options: other }) {
      const passthru = mode === 'passthru' || other['mode'] === 'passthru';
      if (passthru)
        throw forbidden(`cannot use mode passthru, macvlan network ${id} is using parent interface ${parent}`);
    },
  });

const modeOf = (text: string | undefined) =>
  oneOf(modes, text, (asked) =>
    invalid(`requested macvlan mode '${asked}' is not valid, 'bridge' mode is the macvlan driver default`),
  );
