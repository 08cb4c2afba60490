import { invalid, notFound } from '../base/errors.ts';
import type { Network } from './driver-contract.ts';
import type { NetworkStore } from './store.ts';

/**
 * The network that a reference means: by id, then name, then the beginning of an id, as Docker. `default` is `bridge`.
 * @throws invalid when several ids begin so.
 */
export function findNetwork(
  store: Pick<NetworkStore, 'network' | 'networks' | 'networkByName'>,
  reference: string,
): Network | undefined {
  const exact = store.network(reference) ?? store.networkByName(reference);
  if (exact) return exact;
  if (reference === 'default') return store.networkByName('bridge');
  if (!/^[0-9a-f]+$/.test(reference)) return undefined;
  const matching = store.networks().filter(({ id }) => id.startsWith(reference));
  if (matching.length > 1)
    throw invalid(`network ${reference} is ambiguous (${matching.length} matches found based on ID prefix)`);
  return matching[0];
}

/** As `findNetwork`. @throws not-found too. */
export function networkNamed(store: NetworkStore, reference: string): Network {
  const network = findNetwork(store, reference);
  if (!network) throw notFound(`network ${reference} not found`, { code: 'no-such-network' });
  return network;
}
