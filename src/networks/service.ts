import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import type { Database } from '../base/database.ts';
import { internal } from '../base/errors.ts';
import type { Journal } from '../base/journal.ts';
import type { Logger } from '../base/log.ts';
import type { EventBus } from '../events/contract.ts';
import type { ResolverSettings } from '../formats/resolv-conf.ts';
import { createPortHolder } from '../host/port-holder.ts';
import { announce } from './announce.ts';
import { attach } from './attach.ts';
import { nameOf, planJoin, planLeave } from './change-endpoints.ts';
import { planLinks } from './change-links.ts';
import { planPortChange } from './change-ports.ts';
import type { NetworkContext } from './context.ts';
import type { NetworkService } from './contract.ts';
import { createNetwork } from './create.ts';
import { describeSandbox, describeSandboxes } from './describe.ts';
import type { NameServers } from './dns/contract.ts';
import { createHostResolver } from './dns/host-resolver.ts';
import type { NetworkDriver } from './driver-contract.ts';
import { checkEndpoint, endpointNames } from './endpoint.ts';
import { compileListFilters } from './filters.ts';
import { findNetwork, networkNamed } from './find.ts';
import { createHostSide } from './host-side.ts';
import type { AddressPool } from './ipam.ts';
import { recordPredefined } from './predefined.ts';
import type { PublishSettings } from './publish-defaults.ts';
import { reconcile } from './reconcile.ts';
import { createPortRelay } from './relay/relay.ts';
import { takeDown } from './release.ts';
import { pruneNetworks, removeNetwork } from './remove.ts';
import { createRuleGuard } from './rule-guard.ts';
import { inspectNetwork, showNetwork } from './show.ts';
import { createNetworkStore, type EndpointRecord } from './store.ts';

export interface NetworkDeps {
  /** `/run/tug`; namespaces are pinned below its `netns`. */
  readonly execRoot: string;
  /** With `networkMigrations` and `journalMigrations`. */
  readonly database: Database;
  readonly journal: Journal;
  readonly log: Logger;
  readonly events: EventBus;
  /** One each called `bridge`, `host` and `null`; any others beside them. The service closes them at its shutdown. */
  readonly drivers: readonly NetworkDriver[];
  /** Where subnets of networks are chosen from, of both families. */
  readonly pools: readonly AddressPool[];
  /** Options of new networks that do not say, by driver. */
  readonly defaultOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly publishing: PublishSettings;
  /** The service closes them at its shutdown. */
  readonly names: NameServers;
  /** What resolvers are told of containers that do not say. */
  readonly resolver: ResolverSettings;
}

export interface EngineNetworks extends NetworkService {
  /**
   * Lets held ports and the drivers' sockets go. With `removeBridge` everything the engine made on the host goes
   * as well: links, bridge, nftables rules, changed kernel settings; running containers lose their network.
   * Nothing else may be called afterwards.
   */
  shutdown(options: { removeBridge: boolean }): Promise<void>;
}

/**
 * The networks of an engine. Records the predefined networks; the host is first touched by `reconcile`, or by the
 * first `attach`. @throws invalid for network options that cannot be.
 */
export function createNetworkService(deps: NetworkDeps): EngineNetworks {
  const { drivers, log } = deps;
  const store = createNetworkStore(deps.database);
  const folder = path.join(deps.execRoot, 'netns');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  recordPredefined(store, drivers, log);
  const holder = createPortHolder();
  const relay = deps.publishing.relay ? createPortRelay(holder, log, deps.publishing) : undefined;
  const host = createHostSide(store, drivers, log, relay, deps.publishing);
  const context: NetworkContext = { ...deps, store, host, folder, holder, hostResolver: createHostResolver() };
  const guard = createRuleGuard(host, log);
  const releasing = new Map<string, Promise<void>>();

  const sandboxOf: NetworkService['sandboxOf'] = (containerId) => {
    const sandbox = store.sandbox(containerId);
    return sandbox && describeSandbox(sandbox, store);
  };

  return {
    async attach(request) {
      await releasing.get(request.containerId);
      await attach(context, request);
      announce(context, 'connect', request.containerId);
      const sandbox = sandboxOf(request.containerId);
      if (!sandbox) throw internal(`the sandbox of ${request.containerId} was released while it was made`);
      return sandbox;
    },
    release(containerId, { shared } = { shared: false }) {
      const running =
        releasing.get(containerId) ??
        takeDownAloud(context, containerId, shared).finally(() => releasing.delete(containerId));
      releasing.set(containerId, running);
      return running;
    },
    changePorts: (containerId, changes) => planPortChange(context, containerId, changes),
    relink: (containerId, links) => planLinks(context, containerId, links),
    sandboxOf,
    sandboxes: () => describeSandboxes(store),
    hostRules: () => host.rules(),
    repair: () => host.restore(),
    async reconcile(alive) {
      await reconcile(context, alive);
      guard.start();
    },
    rename(containerId, name) {
      const sandbox = store.sandbox(containerId);
      if (!sandbox) return;
      const namesOf = ({ networkId, config }: EndpointRecord): readonly string[] => {
        const network = store.network(networkId);
        return network ? endpointNames(network, { ...sandbox, name }, config) : [];
      };
      store.renameSandbox(containerId, name, namesOf);
    },
    join: (containerId, network, wish) => planJoin(context, containerId, network, wish),
    leave: (containerId, network) => planLeave(context, containerId, network),
    find(reference) {
      const network = findNetwork(store, reference);
      return network && nameOf(network);
    },
    checkEndpoint: (network, config) => checkEndpoint(networkNamed(store, network), config),
    create: (request) => createNetwork(context, request),
    list(filters) {
      const matches = compileListFilters(filters, ({ id }) => store.countIn(id) > 0);
      return store.networks().filter(matches).map(showNetwork);
    },
    inspect: (reference) => inspectNetwork(networkNamed(store, reference), store),
    remove: (reference) => removeNetwork(context, reference),
    prune: (options) => pruneNetworks(context, options),
    async shutdown({ removeBridge }) {
      await guard[Symbol.asyncDispose]();
      try {
        if (removeBridge) await host.remove();
      } finally {
        await deps.names[Symbol.asyncDispose]();
        relay?.[Symbol.dispose]();
        holder[Symbol.dispose]();
        for (const driver of drivers) driver[Symbol.dispose]();
      }
    },
  };
}

/** Takes a sandbox down, and tells so when it is done. */
async function takeDownAloud(context: NetworkContext, containerId: string, shared: boolean): Promise<void> {
  const endpoints = context.store.endpointsOf(containerId);
  await takeDown(context, containerId, shared);
  announce(context, 'disconnect', containerId, endpoints);
}
