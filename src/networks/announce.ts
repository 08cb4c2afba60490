import type { EventBus } from '../events/contract.ts';
import type { EndpointRecord, NetworkStore } from './store.ts';

/** Publishes that a container joined or left the networks of these endpoints, with the attributes that Docker gives. */
export function announce(
  { events, store }: { readonly events: EventBus; readonly store: NetworkStore },
  action: 'connect' | 'disconnect',
  containerId: string,
  endpoints: readonly EndpointRecord[] = store.endpointsOf(containerId),
): void {
  const networks = store.networks();
  for (const { networkId } of endpoints) {
    const network = networks.find(({ id }) => id === networkId);
    if (!network) continue;
    events.publish('network', action, network.id, {
      container: containerId,
      name: network.name,
      type: network.driver,
    });
  }
}
