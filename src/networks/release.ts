import { crashPoint } from '../base/crash-points.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { removeSandboxLinks } from '../host/sandbox-links.ts';
import type { NetworkContext } from './context.ts';
import { joinedOf } from './joining.ts';

/**
 * Takes a container's sandbox down, from the records alone. They go last, so that an interrupted one is found
 * and taken down again. Idempotent. The kernel removes the links once nothing holds the namespace any more,
 * some milliseconds after this returns; with `shared` something will hold it, and they are removed here, so that
 * nobody goes on using an address that is given to another.
 */
export async function takeDown(context: NetworkContext, containerId: string, shared = false): Promise<void> {
  const { store, host, holder } = context;
  const sandbox = store.sandbox(containerId);
  if (!sandbox) return;
  context.names.end(containerId);
  const ports = store.portsOf(containerId);
  let rulesAgree = true;
  if (ports.length > 0) {
    for (const { endpoint, network } of joinedOf(store, store.endpointsOf(containerId))) {
      const own = ports.filter(({ endpointId }) => endpointId === endpoint.id);
      rulesAgree = (await host.unpublish(network, own)) && rulesAgree;
    }
  }
  crashPoint('network.endpoint.unpublished');
  if (sandbox.namespace !== undefined) {
    if (shared) removeSandboxLinks(sandbox.namespace);
    deleteNetworkNamespace(sandbox.namespace);
  }
  const ruled = store.isRuled(containerId);
  store.removeSandbox(containerId);
  for (const port of ports) holder.drop(port);
  if (!rulesAgree || ruled) await host.restore();
}
