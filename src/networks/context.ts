import type { Database } from '../base/database.ts';
import { internal } from '../base/errors.ts';
import type { Journal } from '../base/journal.ts';
import type { Logger } from '../base/log.ts';
import type { EventBus } from '../events/contract.ts';
import type { ResolverSettings } from '../formats/resolv-conf.ts';
import type { PortHolder } from '../host/port-holder.ts';
import type { NameServers } from './dns/contract.ts';
import type { HostResolver } from './dns/resolver.ts';
import type { Network, NetworkDriver } from './driver-contract.ts';
import type { HostSide } from './host-side.ts';
import type { AddressPool } from './ipam.ts';
import type { PublishSettings } from './publish-defaults.ts';
import type { NetworkStore } from './store.ts';

/** The journal's kind of a sandbox that is being made. Its subject is the container. */
export const endpointIntent = 'network.endpoint';
/** Of a network that is being made. Its subject is the network. */
export const createIntent = 'network.create';
/** Of a sandbox that joins or leaves a network. Its subject is the container; see `EndpointIntent`. */
export const changeIntent = 'network.change';

/** What the operations on networks share. */
export interface NetworkContext {
  readonly database: Database;
  readonly journal: Journal;
  readonly log: Logger;
  readonly events: EventBus;
  readonly store: NetworkStore;
  readonly holder: PortHolder;
  readonly host: HostSide;
  readonly drivers: readonly NetworkDriver[];
  readonly pools: readonly AddressPool[];
  /** Options of new networks that do not say, by driver. */
  readonly defaultOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly publishing: PublishSettings;
  readonly names: NameServers;
  /** What the engine is configured to ask of resolvers. */
  readonly resolver: ResolverSettings;
  /** How the host resolves names now. */
  readonly hostResolver: () => HostResolver;
  /** Where namespaces are pinned, one file per container. */
  readonly folder: string;
}

/** The driver of a network. @throws internal when it was taken out of the engine. */
export function driverOf(network: Network, drivers: readonly NetworkDriver[]): NetworkDriver {
  const driver = drivers.find(({ name }) => name === network.driver);
  if (!driver) throw internal(`the network ${network.name} needs the driver ${network.driver}, which is not here`);
  return driver;
}
