import * as path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import { conflict, invalid, TugError } from '../base/errors.ts';
import { shortId } from '../base/ids.ts';
import { createSandbox, type SandboxLinks } from '../host/sandbox-links.ts';
import { endpointIntent, type NetworkContext } from './context.ts';
import type { SandboxRequest } from './contract.ts';
import type { PublishedPort } from './driver-contract.ts';
import { planEndpoint } from './endpoint.ts';
import { interfaceSettings } from './endpoint-options.ts';
import { defaultRoutes, interfaceName, type Joined, type Wanted, wantedNetworks } from './joining.ts';
import { claimFor, type PublishWishes, wayIn } from './publish-claim.ts';
import { takeDown } from './release.ts';
import { resolvConfOf, resolverOf, serveNames } from './serve-names.ts';

/** What one attach has reserved: recorded, not yet made. */
interface Reservation {
  /** Where the namespace will be; undefined for the host's. */
  readonly namespace: string | undefined;
  readonly joined: readonly Joined[];
  /** By which endpoint its ports are reached. */
  readonly gateway: Joined | undefined;
  readonly ports: readonly PublishedPort[];
}

/**
 * Makes a container's sandbox: reserves addresses and host ports, makes the namespace, joins its networks, publishes.
 * A former sandbox of the same container is taken down first. On failure everything is undone before it throws;
 * interrupted, the open intent lets `reconcile` undo it.
 */
export async function attach(context: NetworkContext, request: SandboxRequest): Promise<void> {
  const { containerId } = request;
  wantedNetworks(request, context.store);
  await context.host.restoreOnce();
  await takeDown(context, containerId);
  const reservation = reserve(context, request);
  const intent = context.journal.begin(endpointIntent, containerId, null);
  try {
    crashPoint('network.endpoint.journaled');
    if (request.egress?.length) await context.host.restore(); // no packet before its rules
    await connect(context, reservation, request.madeNamespace);
    if (isLinked(context, containerId)) await context.host.restore(); // kept apart until there are rules
    crashPoint('network.endpoint.linked');
    serveNames(context, containerId);
    if (reservation.gateway) await context.host.publish(reservation.gateway.network, reservation.ports);
    crashPoint('network.endpoint.published');
    context.journal.done(intent);
  } catch (error) {
    await takeDown(context, containerId).catch((second: unknown) =>
      context.log.error('undoing a sandbox failed', { container: containerId, error: second }),
    );
    context.journal.done(intent);
    throw error;
  }
}

/** In one turn of the event loop, so that two containers never reserve the same address or port. */
function reserve(context: NetworkContext, request: SandboxRequest): Reservation {
  const { store, holder, host, folder, database } = context;
  const { containerId, hostname } = request;
  const wanted = wantedNetworks(request, store);
  const own = wanted.length === 0 || wanted.some(({ network }) => host.namespaceOf(network) === 'own');
  const namespace = own ? path.join(folder, containerId) : undefined;
  const named = { containerId, namespace, name: request.name ?? shortId(containerId), hostname };
  const resolver = resolverOf(context, request, namespace);
  const joined = planAll(context, wanted, named);
  if (request.egress?.length) refuseUnruled(context, joined);
  const sandbox = { ...named, resolver, resolvConf: resolvConfOf(context, { namespace, resolver }, joined) };
  const gateway = wayIn(context, joined);
  const ports = gateway ? claimNamed(context, sandbox.name, gateway, request) : [];
  try {
    const endpoints = joined.map(({ endpoint }) => endpoint);
    database.transaction(() => {
      store.saveSandbox(sandbox, endpoints, ports);
      store.saveEgress(containerId, request.egress ?? []);
      if (joined.some(({ network }) => network.name === 'bridge')) store.saveLinks(containerId, request.links ?? []);
    });
    return { namespace, joined, gateway, ports };
  } catch (error) {
    for (const port of ports) holder.drop(port);
    throw error;
  }
}

/** Whether links open something for a container, or for others to it: they do where containers of the default bridge do not talk. */
export function isLinked({ store }: Pick<NetworkContext, 'store'>, containerId: string): boolean {
  if (store.networkByName('bridge')?.options['icc'] !== 'false') return false;
  return store.links().some((link) => link.containerId === containerId || link.target === containerId);
}

function planAll(context: NetworkContext, wanted: readonly Wanted[], sandbox: Parameters<typeof planEndpoint>[2]) {
  const joined: Joined[] = [];
  // names that are asked for go first, so that none is given away before
  const asked = wanted.flatMap(({ config }) => interfaceSettings(config.DriverOpts ?? {}, '').name ?? []);
  for (const one of wanted) {
    const taken = joined.map(({ endpoint }) => endpoint.interfaceName);
    const mine = interfaceSettings(one.config.DriverOpts ?? {}, '').name !== undefined;
    const name = interfaceName(one, mine ? taken : [...taken, ...asked]);
    const wish = { config: one.config, interfaceName: name };
    joined.push({ network: one.network, endpoint: planEndpoint(context.store, one.network, sandbox, wish) });
  }
  return joined;
}

/** @throws invalid where a network cannot hold its containers to rules about what they send to elsewhere. */
export function refuseUnruled({ host }: Pick<NetworkContext, 'host'>, joined: readonly Joined[]): void {
  const unruled = joined.find(({ network }) => network.addressing && !host.rulesEgress(network));
  const name = unruled?.network.name ?? (joined.some(({ network }) => host.namespaceOf(network) === 'host') && 'host');
  if (name)
    throw invalid(
      `--egress has no effect on the network ${name}: it needs a bridge network and the engine's firewall rules`,
    );
}

/** As `claimFor`, and names the endpoint in the refusal of a port, as Docker does. */
export function claimNamed(
  context: NetworkContext,
  name: string,
  gateway: Joined,
  wishes: PublishWishes,
): PublishedPort[] {
  try {
    return claimFor(context, gateway, wishes);
  } catch (cause) {
    if (!(cause instanceof TugError) || cause.code !== 'port-in-use') throw cause;
    const where = `driver failed programming external connectivity on endpoint ${name} (${gateway.endpoint.id})`;
    throw conflict(`${where}: ${cause.message}`, { code: cause.code, cause });
  }
}

async function connect(
  context: NetworkContext,
  { namespace, joined }: Reservation,
  made: number | undefined,
): Promise<void> {
  if (namespace === undefined) return;
  using sandbox = createSandbox(namespace, made);
  for (const one of joined) await connectOne(context, one, sandbox);
  const routes = defaultRoutes(joined);
  if (routes.ipv4 || routes.ipv6) sandbox.route(routes);
}

/** Joins a sandbox to a network, with what its owner wants of the interface. */
export async function connectOne(
  context: Pick<NetworkContext, 'host'>,
  { network, endpoint }: Joined,
  sandbox: SandboxLinks,
): Promise<void> {
  await context.host.connect(network, endpoint, sandbox);
  const { settings } = interfaceSettings(endpoint.config.DriverOpts ?? {}, endpoint.interfaceName);
  for (const [name, value] of settings) sandbox.setting(name, value);
}
