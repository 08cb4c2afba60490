import { internal } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { occupiedSubnets } from '../host/network-facts.ts';
import type { NetworkDriver } from './driver-contract.ts';
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
    if (recorded) {
      if (sameText(planned, { options: recorded.options, addressing: recorded.addressing })) continue;
      if (store.endpoints().some(({ networkId }) => networkId === recorded.id)) {
        log.warn('changed network options take effect once no container runs', { network: name });
        continue;
      }
    }
    store.saveNetwork({ id: recorded?.id ?? newId(), name, driver: driverName, ...planned });
  }
}

const sameText = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
