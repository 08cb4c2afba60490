import { mkdirSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import type { Database } from '../base/database.ts';
import { conflict, errnoOf, internal, notFound, TugError } from '../base/errors.ts';
import { shortId } from '../base/ids.ts';
import type { Journal } from '../base/journal.ts';
import { createLockTable } from '../base/lock.ts';
import type { Logger } from '../base/log.ts';
import { createSandbox } from '../host/links.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { createPortHolder, type PortHolder } from '../host/port-holder.ts';
import type { NetworkService, SandboxRequest } from './contract.ts';
import { describeSandbox } from './describe.ts';
import type { Network, NetworkDriver, PublishedPort } from './driver-contract.ts';
import { endpointConfigFor, planEndpoint } from './endpoint.ts';
import { recordPredefined } from './predefined.ts';
import { claimPorts, wantedPorts } from './publish.ts';
import { createNetworkStore, type EndpointRecord } from './store.ts';

/** The journal's kind of a sandbox that is being made. Its subject is the container. */
export const endpointIntent = 'network.endpoint';

export interface NetworkDeps {
  /** `/run/tug`; namespaces are pinned below its `netns`. */
  readonly execRoot: string;
  readonly database: Database;
  readonly journal: Journal;
  readonly log: Logger;
  readonly drivers: readonly NetworkDriver[];
}

export interface EngineNetworks extends NetworkService, Disposable {
  /**
   * Removes what the engine made on the host: links, bridges, the nftables table, changed kernel settings.
   * Running containers lose their network. Idempotent; `reconcile` makes it all again.
   */
  removeFromHost(): Promise<void>;
}

/** What one attach has reserved: recorded, not yet made. */
interface Reservation {
  readonly namespace: string | undefined;
  readonly endpoint: EndpointRecord;
  readonly ports: readonly PublishedPort[];
}

/** Runs `work`, and names the endpoint in its refusal of a port, as Docker does. */
function naming<T>(request: SandboxRequest, endpointId: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof TugError) || cause.code !== 'port-in-use') throw cause;
    const name = request.name ?? shortId(request.containerId);
    const where = `driver failed programming external connectivity on endpoint ${name} (${endpointId})`;
    throw conflict(`${where}: ${cause.message}`, { code: cause.code, cause });
  }
}

/** After a restart: the rules of running containers still stand, their sockets went with the former engine. */
function holdAgain(ports: readonly PublishedPort[], holder: PortHolder, log: Logger): void {
  for (const port of ports) {
    try {
      if (!holder.holds(port)) holder.hold(port);
    } catch (error) {
      const name = `${port.hostIp}:${port.hostPort}/${port.protocol}`;
      log.warn('a published port was taken by another process while the engine was away', { port: name, error });
    }
  }
}

/**
 * The networks of an engine. Records the predefined networks; the host is first touched by `reconcile` or by the
 * first `attach`. Dispose lets the held ports go and leaves everything else running.
 */
export function createNetworkService(deps: NetworkDeps): EngineNetworks {
  const { execRoot, database, journal, log, drivers } = deps;
  const store = createNetworkStore(database);
  const holder = createPortHolder();
  const turns = createLockTable();
  const releasing = new Map<string, Promise<void>>();
  const folder = path.join(execRoot, 'netns');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  recordPredefined(store, drivers, log);
  let restored: Promise<void> | undefined;

  const driverOf = (network: Network): NetworkDriver => {
    const driver = drivers.find(({ name }) => name === network.driver);
    if (!driver) throw internal(`the network ${network.name} needs the driver ${network.driver}, which is not here`);
    return driver;
  };
  const networkById = (id: string): Network => {
    const network = store.networks().find((candidate) => candidate.id === id);
    if (!network) throw internal(`network ${id} is not recorded`);
    return network;
  };
  const resolve = (mode: string): Network => {
    const name = mode === '' || mode === 'default' ? 'bridge' : mode;
    const network = store.networkByName(name);
    if (!network) throw notFound(`network ${name} not found`);
    return network;
  };

  /** Rules are changed one after the other: a replacement must not undo what was published while it was on its way. */
  const changeRules = (work: () => Promise<void>): Promise<void> => turns.with('network', 'rules', work);
  const restoreAll = (): Promise<void> =>
    changeRules(async () => {
      for (const driver of drivers) {
        const networks = store.networks().filter((network) => network.driver === driver.name);
        const ids = new Set(networks.map(({ id }) => id));
        const endpoints = store.endpoints().filter(({ networkId }) => ids.has(networkId));
        const owned = new Set(endpoints.map(({ id }) => id));
        const ports = store.ports().filter(({ endpointId }) => owned.has(endpointId));
        await driver.restore({ networks, endpoints, ports });
      }
    });
  const restoreOnce = (): Promise<void> => {
    restored ??= restoreAll().catch((error: unknown) => {
      restored = undefined;
      throw error;
    });
    return restored;
  };

  const reserve = (request: SandboxRequest, network: Network): Reservation => {
    const { containerId } = request;
    const config = endpointConfigFor(network, request.endpoints);
    const own = driverOf(network).namespace === 'own';
    const wanted = network.addressing ? wantedPorts(request.ports, request.publishAll) : [];
    const endpoint = planEndpoint(store, network, containerId, config);
    const claimed = naming(request, endpoint.id, () => claimPorts(wanted, holder));
    const ports = claimed.map((port) => ({ ...port, endpointId: endpoint.id, containerIp: endpoint.ip }));
    const namespace = own ? path.join(folder, containerId) : undefined;
    try {
      store.saveSandbox({ containerId, namespace }, [endpoint], ports);
    } catch (error) {
      for (const port of ports) holder.drop(port);
      throw error;
    }
    return { namespace, endpoint, ports };
  };

  const connect = async (network: Network, { namespace, endpoint }: Reservation): Promise<void> => {
    if (namespace === undefined) return;
    const driver = driverOf(network);
    using sandbox = createSandbox(namespace);
    try {
      driver.connect(network, endpoint, sandbox);
    } catch (error) {
      if (errnoOf(error) !== 'ENODEV') throw error;
      log.warn('the host side of a network is gone; making it again', { network: network.name });
      await restoreAll();
      driver.connect(network, endpoint, sandbox);
    }
  };

  const publish = async (network: Network, ports: readonly PublishedPort[]): Promise<void> => {
    if (ports.length === 0) return;
    try {
      await changeRules(() => driverOf(network).publish(ports));
    } catch (error) {
      log.warn('publishing failed; writing all rules anew', { error });
      await restoreAll();
    }
  };

  const takeDown = async (containerId: string): Promise<void> => {
    const sandbox = store.sandbox(containerId);
    if (!sandbox) return;
    const ports = store.portsOf(containerId);
    let rulesFailed: unknown;
    for (const endpoint of store.endpointsOf(containerId)) {
      const own = ports.filter(({ endpointId }) => endpointId === endpoint.id);
      const driver = driverOf(networkById(endpoint.networkId));
      if (own.length > 0)
        await changeRules(() => driver.unpublish(own)).catch((error: unknown) => (rulesFailed = error));
    }
    if (sandbox.namespace !== undefined) deleteNetworkNamespace(sandbox.namespace);
    store.removeSandbox(containerId);
    for (const port of ports) holder.drop(port);
    if (rulesFailed) {
      log.warn('unpublishing failed; writing all rules anew', { error: rulesFailed });
      await restoreAll();
    }
  };
  const release = (containerId: string): Promise<void> => {
    const running = releasing.get(containerId);
    if (running) return running;
    const work = takeDown(containerId).finally(() => releasing.delete(containerId));
    releasing.set(containerId, work);
    return work;
  };

  const sandboxOf: NetworkService['sandboxOf'] = (containerId) => {
    const sandbox = store.sandbox(containerId);
    if (!sandbox) return undefined;
    return describeSandbox(sandbox, store.endpointsOf(containerId), store.portsOf(containerId), networkById);
  };
  return {
    check: (mode) => void resolve(mode),

    async attach(request) {
      const network = resolve(request.mode);
      const { containerId } = request;
      await restoreOnce();
      await release(containerId);
      const { intent, reservation } = database.transaction(() => ({
        reservation: reserve(request, network),
        intent: journal.begin(endpointIntent, containerId, null),
      }));
      try {
        crashPoint('network.endpoint.journaled');
        await connect(network, reservation);
        crashPoint('network.endpoint.linked');
        await publish(network, reservation.ports);
        crashPoint('network.endpoint.published');
        journal.done(intent);
      } catch (error) {
        await release(containerId).catch((second: unknown) => log.error('undoing a sandbox failed', { error: second }));
        journal.done(intent);
        throw error;
      }
      const sandbox = sandboxOf(containerId);
      if (!sandbox) throw internal(`the sandbox of ${containerId} was released while it was made`);
      return sandbox;
    },

    release,
    sandboxOf,

    async reconcile(alive) {
      const unfinished = journal.pending().filter(({ kind }) => kind === endpointIntent);
      const cutOff = new Set(unfinished.map(({ subject }) => subject));
      for (const { containerId, namespace } of store.sandboxes()) {
        if (alive.has(containerId) && !cutOff.has(containerId)) continue;
        if (namespace !== undefined) deleteNetworkNamespace(namespace);
        store.removeSandbox(containerId);
      }
      const pinned = new Set(store.sandboxes().map(({ namespace }) => namespace));
      for (const file of readdirSync(folder).map((name) => path.join(folder, name))) {
        if (!pinned.has(file)) deleteNetworkNamespace(file);
      }
      restored = undefined;
      await restoreOnce();
      holdAgain(store.ports(), holder, log);
      for (const intent of unfinished) journal.done(intent);
    },

    list: () =>
      store.networks().map(({ name, id, driver }) => ({ Name: name, Id: id, Driver: driver, Scope: 'local' })),

    async removeFromHost() {
      restored = undefined;
      for (const driver of drivers) {
        const networks = store.networks().filter((network) => network.driver === driver.name);
        await changeRules(() => driver.remove(networks));
      }
    },

    [Symbol.dispose]: () => holder[Symbol.dispose](),
  };
}
