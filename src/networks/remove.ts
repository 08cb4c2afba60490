import { crashPoint } from '../base/crash-points.ts';
import { forbidden } from '../base/errors.ts';
import type { NetworkContext } from './context.ts';
import type { NetworkFilters } from './contract.ts';
import type { Network } from './driver-contract.ts';
import { isPredefined } from './endpoint.ts';
import { compilePruneFilters } from './filters.ts';
import { networkNamed } from './find.ts';

/**
 * Removes a network. Its record goes first: killed after that, the next engine removes what is left of it on the host.
 * @throws not-found, forbidden for a predefined one, one in use, and a configuration that others were made from.
 */
export async function removeNetwork(context: NetworkContext, reference: string): Promise<void> {
  const { store } = context;
  const network = networkNamed(store, reference);
  if (isPredefined(network.name)) throw forbidden(`${network.name} is a pre-defined network and cannot be removed`);
  const [first, ...more] = store.endpointsIn(network.id);
  if (first) {
    const names = [first, ...more].map(({ containerId, id }) => {
      const name = store.sandbox(containerId)?.name ?? '';
      return `name:${JSON.stringify(name)} id:${JSON.stringify(id.slice(0, 12))}`;
    });
    const sentence = `error while removing network: network ${network.name} has active endpoints (${names.join(', ')})`;
    throw forbidden(sentence, { code: 'network-in-use' });
  }
  if (isReferred(context, network)) throw forbidden(`configuration network ${JSON.stringify(network.name)} is in use`);
  await removeUnused(context, network);
}

const isReferred = ({ store }: NetworkContext, { configOnly, name }: Network): boolean =>
  configOnly && store.networks().some(({ configFrom }) => configFrom === name);

async function removeUnused(context: NetworkContext, network: Network): Promise<void> {
  const { store, host, events } = context;
  store.removeNetwork(network.id);
  crashPoint('network.remove.recorded');
  if (!network.configOnly) await host.restore();
  crashPoint('network.remove.unmade');
  events.publish('network', 'destroy', network.id, { name: network.name, type: network.driver });
}

/** See the contract. Networks are removed one after the other; killed in between, the rest stays. */
export async function pruneNetworks(
  context: NetworkContext,
  { filters, dryRun }: { filters: NetworkFilters; dryRun: boolean },
): Promise<string[]> {
  const matches = compilePruneFilters(filters);
  const { store } = context;
  const doomed = store
    .networks()
    .filter((network) => !isPredefined(network.name) && !network.configOnly && matches(network))
    .filter(({ id }) => store.countIn(id) === 0);
  const names: string[] = [];
  for (const network of doomed) {
    // one that was joined meanwhile is in use
    if (!dryRun && (store.countIn(network.id) > 0 || !store.network(network.id))) continue;
    if (!dryRun) await removeUnused(context, network);
    names.push(network.name);
  }
  return names;
}
