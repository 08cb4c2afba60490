import type { EndpointConfig } from '../api/types/container.ts';
import { conflict, forbidden, invalid, isKind, notFound } from '../base/errors.ts';
import type { EndpointChange, NetworkName } from '../networks/contract.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { wishOf } from './endpoints.ts';
import { containerHostname } from './files.ts';
import { planResolver } from './follow-names.ts';
import { changeHosts, ownLines } from './hosts-file.ts';
import { requestedPorts } from './ports.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { sharedWith } from './shared-namespaces.ts';

/**
 * Connects a container to a network: at once where it runs, from its next start on otherwise. What is recorded of the
 * container and of the network is recorded in one transaction; killed after it, the next engine makes the rest.
 * @throws not-found, invalid, forbidden, conflict, in Docker's words; nothing has changed then.
 */
export async function connectNetwork(
  context: ContainerContext,
  record: ContainerRecord,
  reference: string,
  config: EndpointConfig,
): Promise<void> {
  await context.locks.with('container', record.id, async () => {
    const { networks, database, store } = context;
    const network = changeable(context, record, reference);
    const wish = wishOf(config);
    if (!isRunning(record)) networks.checkEndpoint(network.name, wish); // of one that runs as it is planned
    refuseMode(record, network.name);
    const before = record.endpoints;
    const endpoints = { ...before, [network.name]: wish };
    if (!isRunning(record)) {
      database.transaction(() => store.redefine(record, { endpoints }));
      return;
    }
    const ports = {
      ports: requestedPorts(record.host),
      publishAll: record.host.PublishAllPorts ? Object.keys(record.config.ExposedPorts ?? {}) : [],
    };
    const resolver = planResolver(context, record);
    const change = networks.join(record.id, network.id, { config: wish, ports });
    recordAll(context, record, [change, resolver], endpoints);
    try {
      await change.apply();
    } catch (error) {
      database.transaction(() => {
        change.undo();
        resolver.cancel();
        store.redefine(record, { endpoints: before });
      });
      await change.repair();
      throw error;
    }
    const joined = context.networks.sandboxOf(record.id)?.endpoints[network.name];
    if (joined) rewriteHosts(context, record, { [network.name]: joined }, 'add');
    resolver.apply();
  });
}

/**
 * Takes a container out of a network: at once where it runs, from its next start on otherwise. Killed after it is
 * recorded, the next engine takes the rest away.
 * @throws not-found, forbidden when it is not on it, conflict, invalid, in Docker's words.
 */
export async function disconnectNetwork(
  context: ContainerContext,
  container: string,
  reference: string,
): Promise<void> {
  const record = context.store.resolve(container);
  await context.locks.with('container', record.id, async () => {
    const { networks, database, store } = context;
    const network = changeable(context, record, reference);
    if (record.host.NetworkMode === 'host')
      throw invalid('container cannot be disconnected from host network or connected to host network');
    const { [network.name]: leaving, ...endpoints } = record.endpoints;
    if (!leaving) throw forbidden(`container ${record.id} is not connected to network ${network.name}`);
    if (!isRunning(record)) {
      database.transaction(() => store.redefine(record, { endpoints }));
      return;
    }
    const left = networks.sandboxOf(record.id)?.endpoints[network.name];
    const resolver = planResolver(context, record);
    const change = networks.leave(record.id, network.id);
    recordAll(context, record, [change, resolver], endpoints);
    if (left) rewriteHosts(context, record, { [network.name]: left }, 'remove');
    await change.apply();
    resolver.apply();
  });
}

/**
 * The same (`--force`) also for what a container that is gone has left in a network, and of a container that does not run
 * for a network that is gone. Idempotent in what it leaves; killed in between, the next engine goes on.
 * @throws not-found, as for both.
 */
export async function forceDisconnect(context: ContainerContext, container: string, reference: string): Promise<void> {
  const { networks, database, store } = context;
  const record = known(context, container);
  if (!record) {
    const { Containers } = networks.inspect(reference);
    const left = Object.entries(Containers).find(([id, { Name }]) => Name === container || id.startsWith(container));
    if (!left) throw notFound(`endpoint ${container} not found`);
    return await networks.release(left[0]);
  }
  if (networks.find(reference) || isRunning(record)) return await disconnectNetwork(context, container, reference);
  await context.locks.with('container', record.id, async () => {
    const { [reference]: leaving, ...endpoints } = record.endpoints;
    if (!leaving) throw notFound(`network ${reference} not found`, { code: 'no-such-network' });
    database.transaction(() => store.redefine(record, { endpoints }));
  });
}

function known({ store }: ContainerContext, container: string): ContainerRecord | undefined {
  try {
    return store.resolve(container);
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

function recordAll(
  { database, store }: ContainerContext,
  record: ContainerRecord,
  changes: readonly Pick<EndpointChange, 'record'>[],
  endpoints: ContainerRecord['endpoints'],
): void {
  database.transaction(() => {
    for (const change of changes) change.record();
    store.redefine(record, { endpoints });
  });
}

function changeable(context: ContainerContext, record: ContainerRecord, reference: string): NetworkName {
  const { status } = record.state;
  if (status === 'removing' || status === 'dead' || !context.store.get(record.id))
    throw conflict(
      `Container ${record.id} is marked for removal and cannot be connected or disconnected to the network`,
    );
  const network = context.networks.find(reference);
  if (!network) throw notFound(`network ${reference} not found`, { code: 'no-such-network' });
  return network;
}

function refuseMode({ host, endpoints }: ContainerRecord, network: string): void {
  if (sharedWith(host.NetworkMode) !== undefined)
    throw invalid(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  if (host.NetworkMode === 'host' || network === 'host')
    throw invalid('container cannot be disconnected from host network or connected to host network');
  if ('none' in endpoints || (network === 'none' && Object.keys(endpoints).length > 0))
    throw invalid('container cannot be connected to multiple networks with one of the networks in private (none) mode');
}

/** The container knows itself by its addresses. */
function rewriteHosts(
  context: ContainerContext,
  record: ContainerRecord,
  endpoints: Parameters<typeof ownLines>[2]['endpoints'],
  how: 'add' | 'remove',
): void {
  const lines = ownLines(record, containerHostname(record), { endpoints });
  const isOwn = ([address, names]: readonly [string, string]): boolean =>
    lines.some((line) => line[0] === address && line[1] === names);
  changeHosts(pathsOf(context, record).hosts, isOwn, how === 'add' ? lines : []);
}
