import { invalid } from '../base/errors.ts';
import { parseTimestamp } from '../formats/timestamp.ts';
import type { NetworkFilters } from './contract.ts';
import type { Network } from './driver-contract.ts';
import { isPredefined } from './endpoint.ts';

export type NetworkPredicate = (network: Network) => boolean;
type Filter = (values: readonly string[], isUsed: (network: Network) => boolean) => NetworkPredicate;

const labels: Filter = (values) => (network) => values.every((value) => hasLabel(network, value));

const listFilters: Readonly<Record<string, Filter>> = {
  dangling(values, isUsed) {
    const wanted = new Set(values.map((value) => booleanOf(value, values)));
    if (wanted.size > 1) throw badDangling(values);
    return (network) => wanted.has(!isPredefined(network.name) && !isUsed(network));
  },
  driver: (values) => (network) => values.includes(network.driver),
  id: (values) => (network) => values.some((value) => matches(network.id, value)),
  label: labels,
  name: (values) => (network) => values.some((value) => matches(network.name, value)),
  scope(values) {
    const unknown = values.find((value) => !['local', 'swarm', 'global'].includes(value));
    if (unknown !== undefined) throw invalid(`invalid filter 'scope=${unknown}'`);
    return () => values.includes('local');
  },
  type(values) {
    const unknown = values.find((value) => !['builtin', 'custom'].includes(value));
    if (unknown !== undefined) throw invalid(`invalid filter: 'type'='${unknown}'`);
    return ({ name }) => values.includes(isPredefined(name) ? 'builtin' : 'custom');
  },
};

const pruneFilters: Readonly<Record<string, Filter>> = {
  label: labels,
  'label!': (values) => (network) => values.every((value) => !hasLabel(network, value)),
  until(values) {
    if (values.length > 1) throw invalid('more than one until filter specified');
    const times = values.map((value) => parseTimestamp(value, { now: BigInt(Date.now()) * 1_000_000n }));
    return ({ created }) => times.every((time) => BigInt(Date.parse(created)) * 1_000_000n <= time);
  },
};

/** Of `network ls`. @throws invalid for a filter that does not exist, or a bad value. */
export const compileListFilters = (filters: NetworkFilters, isUsed: (network: Network) => boolean): NetworkPredicate =>
  compile(listFilters, filters, isUsed);

/** Of `network prune`. @throws invalid. */
export const compilePruneFilters = (filters: NetworkFilters): NetworkPredicate =>
  compile(pruneFilters, filters, () => false);

function compile(
  known: Readonly<Record<string, Filter>>,
  filters: NetworkFilters,
  isUsed: (network: Network) => boolean,
): NetworkPredicate {
  const conditions = Object.entries(filters).map(([key, values]) => {
    const filter = Object.hasOwn(known, key) ? known[key] : undefined;
    if (!filter) throw invalid(`invalid filter '${key}'`);
    return values.length === 0 ? () => true : filter(values, isUsed);
  });
  return (network) => conditions.every((condition) => condition(network));
}

function booleanOf(value: string, all: readonly string[]): boolean {
  if (['1', 'true'].includes(value.toLowerCase())) return true;
  if (['0', 'false'].includes(value.toLowerCase())) return false;
  throw badDangling(all);
}

const badDangling = (values: readonly string[]) => invalid(`invalid filter 'dangling=[${values.join(' ')}]'`);

/** By a part of it, or a pattern, as Docker. */
function matches(text: string, wanted: string): boolean {
  try {
    return text.includes(wanted) || new RegExp(wanted).test(text);
  } catch {
    return false;
  }
}

function hasLabel({ labels: own }: Network, wanted: string): boolean {
  const at = wanted.indexOf('=');
  const key = at < 0 ? wanted : wanted.slice(0, at);
  return Object.hasOwn(own, key) && (at < 0 || own[key] === wanted.slice(at + 1));
}
