import type { EndpointConfig } from '../api/types/container.ts';
import { crashPoint } from '../base/crash-points.ts';
import { forbidden, internal, invalid, notFound } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { isRouted } from '../host/firewall-ports.ts';
import { openSandbox } from '../host/sandbox-links.ts';
import { announce } from './announce.ts';
import { claimNamed, connectOne, isLinked, refuseUnruled } from './attach.ts';
import { changeIntent, type NetworkContext } from './context.ts';
import type { EndpointChange, PortWishes } from './contract.ts';
import type { Network, PublishedPort } from './driver-contract.ts';
import { isPredefined, planEndpoint } from './endpoint.ts';
import { networkNamed } from './find.ts';
import { defaultRoutes, interfaceName, type Joined, joinedOf } from './joining.ts';
import { placePorts, wayIn } from './publish-claim.ts';
import { resolvConfOf, serveNames } from './serve-names.ts';
import type { SandboxRecord } from './store.ts';

/** What the journal keeps of a sandbox that joins or leaves a network. */
export interface ChangePayload {
  readonly endpointId: string;
}

/**
 * Plans to join a sandbox to a network. `record` writes the endpoint down with an open intent, `apply` makes link, routes
 * and, where the way in changes, rules. Killed between them, `reconcile` makes what is recorded.
 * @throws as `NetworkService.join`.
 */
export function planJoin(
  context: NetworkContext,
  containerId: string,
  reference: string,
  wish: { readonly config: EndpointConfig; readonly ports: PortWishes },
): EndpointChange {
  const { store } = context;
  const network = networkNamed(store, reference);
  const sandbox = sandboxFor(context, containerId, network);
  const before = joinedOf(store, store.endpointsOf(containerId));
  if (before.some((one) => one.network.id === network.id))
    throw forbidden(`endpoint with name ${sandbox.name} already exists in network ${network.name}`);
  const taken = before.map(({ endpoint }) => endpoint.interfaceName);
  const { config } = wish;
  const name = interfaceName({ network, config }, taken);
  const joining: Joined = { network, endpoint: planEndpoint(store, network, sandbox, { config, interfaceName: name }) };
  return planChange(context, sandbox, { before, after: [...before, joining], joining, ports: wish.ports });
}

/** The same for leaving a network. @throws as `NetworkService.leave`. */
export function planLeave(context: NetworkContext, containerId: string, reference: string): EndpointChange {
  const { store } = context;
  const network = networkNamed(store, reference);
  const sandbox = sandboxFor(context, containerId, network);
  const before = joinedOf(store, store.endpointsOf(containerId));
  const leaving = before.find((one) => one.network.id === network.id);
  if (!leaving) throw forbidden(`container ${containerId} is not connected to network ${network.name}`);
  return planChange(context, sandbox, { before, after: before.filter((one) => one !== leaving), leaving });
}

function sandboxFor({ store }: NetworkContext, containerId: string, network: Network): SandboxRecord {
  const sandbox = store.sandbox(containerId);
  if (!sandbox) throw internal(`container ${containerId} has no network sandbox`);
  refuseMode(sandbox.namespace === undefined ? 'host' : '', network);
  return sandbox;
}

/** The networks `host` and `none` are joined at a start, alone, and left at the end. @throws invalid, in Docker's words. */
export function refuseMode(mode: string, network: Pick<Network, 'name'>): void {
  if (mode === 'host' || network.name === 'host')
    throw invalid('container cannot be disconnected from host network or connected to host network');
  if (mode === 'none' || network.name === 'none')
    throw invalid('container cannot be connected to multiple networks with one of the networks in private (none) mode');
}

interface Change {
  readonly before: readonly Joined[];
  readonly after: readonly Joined[];
  readonly joining?: Joined;
  readonly leaving?: Joined;
  /** What is published once there is a way in, where there was none. */
  readonly ports?: PortWishes;
}

function planChange(context: NetworkContext, sandbox: SandboxRecord, change: Change): EndpointChange {
  const { store, journal, holder } = context;
  const { containerId } = sandbox;
  const portsBefore = store.portsOf(containerId);
  const claimed = claimMissing(context, sandbox, change, portsBefore);
  const ports = claimed ?? movePorts(context, portsBefore, change);
  const { joining, leaving } = change;
  const moved = joining ?? leaving;
  if (!moved) throw internal('a change of endpoints that changes none');
  let intent: Intent | undefined;
  const keep = (wanted: readonly PublishedPort[]): void => store.replacePorts(containerId, wanted);
  return {
    network: nameOf(moved.network),
    record() {
      intent = journal.begin<ChangePayload>(changeIntent, containerId, { endpointId: moved.endpoint.id });
      if (joining) store.addEndpoint(joining.endpoint);
      keep(ports);
      if (leaving) store.removeEndpoint(leaving.endpoint.id);
      store.saveResolvConf(containerId, resolvConfOf(context, sandbox, change.after));
    },
    async apply() {
      crashPoint('network.change.recorded');
      await applyChange(context, sandbox, change, { before: portsBefore, after: ports });
      if (intent) journal.done(intent);
      crashPoint('network.change.applied');
      if (ports.length === 0) for (const port of portsBefore) holder.drop(port);
      announce(context, joining ? 'connect' : 'disconnect', containerId, [moved.endpoint]);
    },
    undo() {
      if (!joining) return; // what was left stays left, and the open intent has the next engine see to it
      keep(portsBefore);
      store.removeEndpoint(joining.endpoint.id);
      store.saveResolvConf(containerId, sandbox.resolvConf);
      for (const port of claimed ?? []) holder.drop(port);
      if (intent) journal.done(intent);
    },
    async repair() {
      await context.host.restore();
      if (sandbox.namespace === undefined) return;
      using links = openSandbox(sandbox.namespace);
      links.route(defaultRoutes(joinedOf(store, store.endpointsOf(containerId))));
      serveNames(context, containerId);
    },
  };
}

export const nameOf = ({ id, name }: Network) => ({ id, name, own: !isPredefined(name) });

/** Ports follow the way in; without one there is nowhere for them to lead. */
function movePorts(
  context: NetworkContext,
  ports: readonly PublishedPort[],
  { before, after }: Change,
): readonly PublishedPort[] {
  const [from, to] = [wayIn(context, before), wayIn(context, after)];
  if (from?.endpoint.id === to?.endpoint.id) return ports;
  // those of a routed network have nothing of the host's that could lead elsewhere
  return to
    ? placePorts(
        ports.filter((port) => !isRouted(port)),
        to,
      )
    : [];
}

/** Claims what a container wants published that had no way in until now. @throws conflict (code `port-in-use`). */
function claimMissing(
  context: NetworkContext,
  { name }: SandboxRecord,
  { before, after, ports }: Change,
  published: readonly PublishedPort[],
): PublishedPort[] | undefined {
  const gateway = wayIn(context, after);
  if (!ports || !gateway || wayIn(context, before) || published.length > 0) return undefined;
  return claimNamed(context, name, gateway, ports);
}

async function applyChange(
  context: NetworkContext,
  { containerId, namespace }: SandboxRecord,
  { before, after, joining, leaving }: Change,
  ports: { readonly before: readonly PublishedPort[]; readonly after: readonly PublishedPort[] },
): Promise<void> {
  if (namespace === undefined) throw notFound('the container has no network namespace of its own');
  const { host, store } = context;
  if (store.egress().some(({ containerId: held }) => held === containerId)) {
    if (joining) refuseUnruled(context, [joining]);
    await host.restore(); // no packet before its rules
  }
  using sandbox = openSandbox(namespace);
  if (leaving) host.disconnect(leaving.network, leaving.endpoint, sandbox);
  if (joining) await connectOne(context, joining, sandbox);
  if (isLinked(context, containerId)) await host.restore();
  crashPoint('network.change.linked');
  sandbox.route(defaultRoutes(after));
  const network = (wayIn(context, before) ?? wayIn(context, after))?.network;
  serveNames(context, containerId);
  if (network && ports.before !== ports.after) await host.replacePorts(network, ports.before, ports.after);
}

/**
 * Makes what is recorded of a sandbox whose change was cut off: a link that was half made is made anew, and the
 * ways out are those of the networks it is in. The links of networks it left are swept by `restore`.
 */
export async function settleChange(
  context: NetworkContext,
  containerId: string,
  payload: ChangePayload,
): Promise<void> {
  const { store, host } = context;
  const record = store.sandbox(containerId);
  if (record?.namespace === undefined) return;
  const joined = joinedOf(store, store.endpointsOf(containerId));
  const changed = joined.find(({ endpoint }) => endpoint.id === payload.endpointId);
  try {
    using sandbox = openSandbox(record.namespace);
    if (changed) {
      host.disconnect(changed.network, changed.endpoint, sandbox);
      await connectOne(context, changed, sandbox);
    }
    sandbox.route(defaultRoutes(joined));
  } catch (error) {
    if (store.sandbox(containerId) !== undefined) throw error; // else its container has ended meanwhile
  }
}
