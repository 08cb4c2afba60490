import { forbidden, invalid } from '../../base/errors.ts';
import type { SublinkKind } from '../../host/netlink/sublink.ts';
import type { NetworkDriver } from '../driver-contract.ts';
import { createParentDriver, oneOf } from './parent-driver.ts';

const modes = ['l2', 'l3', 'l3s'] as const;
const flags = ['bridge', 'private', 'vepa'] as const;

/**
 * Containers with addresses of their own and the MAC address of one of the host's interfaces, their parent. In the
 * modes `l3` and `l3s` they send everything by it, without a gateway, and the networks around need a route to them.
 */
export const createIpvlanDriver = (engineId: string): NetworkDriver =>
  createParentDriver(engineId, {
    name: 'ipvlan',
    isolatedPrefix: 'di-',
    options: ['ipvlan_mode', 'ipvlan_flag'],
    settings({ driverOptions }) {
      const mode = modeOf(driverOptions['ipvlan_mode']);
      const flag = flagOf(driverOptions['ipvlan_flag']);
      return { mode, flag, mac: 'parent', ...(mode === 'l2' ? {} : { route: 'link' }) };
    },
    does: ({ options }): SublinkKind => ({
      kind: 'ipvlan',
      mode: modeOf(options['mode']),
      flag: flagOf(options['flag']),
    }),
    share(parent, _, { name }) {
      throw forbidden(`network ${name} is already using parent interface ${parent}`);
    },
  });

const modeOf = (text: string | undefined) =>
  oneOf(modes, text, (asked) =>
    invalid(`requested ipvlan mode '${asked}' is not valid, 'l2' mode is the ipvlan driver default`),
  );

const flagOf = (text: string | undefined) =>
  oneOf(flags, text, (asked) =>
    invalid(`requested ipvlan flag '${asked}' is not valid, 'bridge' is the ipvlan driver default`),
  );
