import type { NetworksPruned } from '../../api/types/system.ts';
import { invalid, notFound } from '../../base/errors.ts';
import { parseTimestamp } from '../../formats/timestamp.ts';
import type { NetworkService, NetworkSummary } from '../../networks/contract.ts';
import type { Handlers } from '../http/router.ts';

export function networkRoutes(networks: Pick<NetworkService, 'list'>): Handlers {
  return {
    NetworkList: ({ query }) => ({ status: 200, body: filterNetworks(networks.list(), query.filters()) }),
    // Docker's client prunes all kinds in turn and ends at the first that it cannot. All networks of this engine are
    // predefined ones, which are never removed.
    NetworkPrune({ query }) {
      for (const [key, values] of Object.entries(query.filters())) {
        if (!['until', 'label', 'label!'].includes(key)) throw invalid(`invalid filter '${key}'`);
        if (key === 'until') for (const value of values) parseTimestamp(value, { now: 0n });
      }
      const body: NetworksPruned = { NetworksDeleted: null };
      return { status: 200, body };
    },
    NetworkInspect: (exchange) => ({ status: 200, body: findNetwork(networks.list(), exchange.param('id')) }),
  };
}

/** By id, then name, then the beginning of an id, as Docker. */
function findNetwork(all: readonly NetworkSummary[], reference: string): NetworkSummary {
  const exact = all.find(({ Id }) => Id === reference) ?? all.find(({ Name }) => Name === reference);
  if (exact) return exact;
  const matching = all.filter(({ Id }) => Id.startsWith(reference));
  if (matching.length > 1)
    throw invalid(`network ${reference} is ambiguous (${matching.length} matches found based on ID prefix)`);
  if (!matching[0]) throw notFound(`network ${reference} not found`);
  return matching[0];
}

type Filter = (network: NetworkSummary, value: string) => boolean;

const filters: Readonly<Record<string, Filter>> = {
  driver: ({ Driver }, value) => Driver === value,
  id: ({ Id }, value) => Id.startsWith(value),
  name: ({ Name }, value) => Name.includes(value),
  scope: ({ Scope }, value) => Scope === value,
};

function filterNetworks(all: readonly NetworkSummary[], given: Record<string, string[]>): NetworkSummary[] {
  return Object.entries(given).reduce<NetworkSummary[]>(
    (left, [key, values]) => {
      const filter = Object.hasOwn(filters, key) ? filters[key] : undefined;
      if (!filter) throw invalid(`invalid filter '${key}'`);
      return left.filter((network) => values.length === 0 || values.some((value) => filter(network, value)));
    },
    [...all],
  );
}
