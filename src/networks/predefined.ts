import { isDeepStrictEqual } from 'node:util';
import { internal } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { occupiedSubnets } from '../host/network-facts.ts';
import type { Network, NetworkDriver } from './driver-contract.ts';
import type { NetworkStore } from './store.ts';

/** The networks every engine has, by name, with their drivers. */
const predefined = { bridge: 'bridge', host: 'host', none: 'null' } as const;

/**
 * Records the predefined networks, with what their drivers plan for them. What the configuration changes about a
 * recorded one takes effect when nothing is connected to it. @throws invalid for options a driver refuses.
 */
export function recordPredefined(store: NetworkStore, drivers: readonly NetworkDriver[], log: Logger): void {
  for (const [name, driverName] of Object.entries(predefined)) {
    const driver = drivers.find((candidate) => candidate.name === driverName);
    if (!driver) throw internal(`there is no network driver ${driverName}`);
    const recorded = store.networkByName(name);
    const planned = driver.plan(occupiedSubnets, recorded);
    if (!planned) {
      forget(store, recorded, log);
      continue;
    }
    if (recorded) {
      if (isDeepStrictEqual({ ...recorded, ...planned }, recorded)) continue;
      if (store.countIn(recorded.id) > 0 && !saysTheSame(recorded, planned)) {
        log.warn('changed network options take effect once no container runs', { network: name });
        continue;
      }
    }
    store.saveNetwork({ ...(recorded ?? newNetwork(name, driverName)), ...planned });
  }
}

const newNetwork = (name: string, driver: string) => ({
  id: newId(),
  name,
  driver,
  created: new Date().toISOString(),
  labels: {},
  internal: false,
  attachable: false,
  configOnly: false,
  configFrom: '',
  ipam: { driver: 'default', options: null },
});

/** Options that an older tug did not know are not changed ones. */
const saysTheSame = (recorded: Network, { options, addressing }: Pick<Network, 'options' | 'addressing'>): boolean =>
  isDeepStrictEqual({ ...options, ...recorded.options }, options) && isDeepStrictEqual(recorded.addressing, addressing);

/** One that is configured away goes once nothing is connected to it. */
function forget(store: NetworkStore, recorded: Network | undefined, log: Logger): void {
  if (!recorded) return;
  if (store.countIn(recorded.id) === 0) store.removeNetwork(recorded.id);
  else log.warn('a network that is configured away stays while containers run on it', { network: recorded.name });
}
