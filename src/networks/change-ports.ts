import { isRouted } from '../host/firewall-ports.ts';
import type { NetworkContext } from './context.ts';
import type { PortChange, PortChanges } from './contract.ts';
import type { PublishedPort } from './driver-contract.ts';
import { joinedOf } from './joining.ts';
import { claimFor, wayIn } from './publish-claim.ts';

/**
 * Plans a change of the ports that a container with a sandbox publishes: holds what is added, and touches neither
 * records nor rules. Killed between `record` and `apply`, `reconcile` writes the rules that the records ask for.
 * @throws conflict (code `port-in-use`), and nothing is held then; as `wantedPorts`.
 */
export function planPortChange(context: NetworkContext, containerId: string, changes: PortChanges): PortChange {
  const { store, holder } = context;
  const before = store.portsOf(containerId);
  const removed = before.filter((port) => changes.remove.some((wish) => isThere(port, wish)));
  const kept = before.filter((port) => !removed.includes(port));
  const gateway = wayIn(context, joinedOf(store, store.endpointsOf(containerId)));
  // What is removed makes room for what is added: the same host port may lead elsewhere in one step.
  for (const port of removed) holder.drop(port);
  const holdAgain = (): void => {
    for (const port of removed) if (!isRouted(port) && !holder.holds(port)) holder.hold(port);
  };
  try {
    const added = gateway ? claimFor(context, gateway, { ports: changes.add, publishAll: [] }, removed) : [];
    return {
      record: () => store.replacePorts(containerId, [...kept, ...added]),
      apply: () => applyChange(context, containerId, before, [...kept, ...added]),
      cancel() {
        for (const port of added) holder.drop(port);
        holdAgain();
      },
    };
  } catch (error) {
    holdAgain();
    throw error;
  }
}

const isThere = (port: PublishedPort, wish: PortChanges['remove'][number]): boolean =>
  wish.port === `${port.containerPort}/${port.protocol}` &&
  wish.hostIp === port.hostIp &&
  wish.hostPort === (isRouted(port) ? '' : String(port.hostPort));

async function applyChange(
  context: NetworkContext,
  containerId: string,
  before: readonly PublishedPort[],
  after: readonly PublishedPort[],
): Promise<void> {
  const gateway = wayIn(context, joinedOf(context.store, context.store.endpointsOf(containerId)));
  if (gateway) await context.host.replacePorts(gateway.network, before, after);
}
