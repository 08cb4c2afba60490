import { invalid } from '../base/errors.ts';
import { parseTimestamp } from '../formats/timestamp.ts';
import type { VolumeFilters } from './contract.ts';
import type { VolumeRecord } from './store.ts';

export type VolumePredicate = (record: VolumeRecord) => boolean;
type Filter = (values: readonly string[], isUsed: (name: string) => boolean) => VolumePredicate;

const listFilters: Readonly<Record<string, Filter>> = {
  dangling: (values, isUsed) => {
    const wanted = new Set(values.map((value) => danglingValue(value, values)));
    if (wanted.size > 1) throw badDangling(values);
    return ({ name }) => wanted.has(!isUsed(name));
  },
  driver: (values) => (record) => values.includes(record.driver),
  label: (values) => (record) => values.every((value) => hasLabel(record, value)),
  name: (values) => (record) => values.some((value) => matches(record.name, value)),
};

const pruneFilters: Readonly<Record<string, Filter>> = {
  label: (values) => (record) => values.every((value) => hasLabel(record, value)),
  'label!': (values) => (record) => values.every((value) => !hasLabel(record, value)),
  until: (values) => {
    const times = values.map((value) => parseTimestamp(value, { now: BigInt(Date.now()) * 1_000_000n }));
    return ({ created }) => times.every((time) => BigInt(Date.parse(created)) * 1_000_000n <= time);
  },
};

/** Of `volume ls`. @throws invalid for a filter that does not exist, or a bad value. */
export const compileListFilters = (filters: VolumeFilters, isUsed: (name: string) => boolean): VolumePredicate =>
  compile(listFilters, filters, isUsed);

/** Of `volume prune`, without `all`. */
export const compilePruneFilters = (filters: VolumeFilters): VolumePredicate =>
  compile(pruneFilters, filters, () => false);

function compile(
  known: Readonly<Record<string, Filter>>,
  filters: VolumeFilters,
  isUsed: (name: string) => boolean,
): VolumePredicate {
  const conditions = Object.entries(filters).map(([key, values]) => {
    const filter = Object.hasOwn(known, key) ? known[key] : undefined;
    if (!filter) throw invalid(`invalid filter '${key}'`);
    return values.length === 0 ? () => true : filter(values, isUsed);
  });
  return (record) => conditions.every((condition) => condition(record));
}

function danglingValue(value: string, all: readonly string[]): boolean {
  if (['1', 'true'].includes(value.toLowerCase())) return true;
  if (['0', 'false'].includes(value.toLowerCase())) return false;
  throw badDangling(all);
}

const badDangling = (values: readonly string[]) => invalid(`invalid filter 'dangling=[${values.join(' ')}]'`);

/** By a part of the name, or a pattern, as Docker. */
function matches(name: string, wanted: string): boolean {
  try {
    return name.includes(wanted) || new RegExp(wanted).test(name);
  } catch {
    return false;
  }
}

function hasLabel({ labels }: VolumeRecord, wanted: string): boolean {
  const at = wanted.indexOf('=');
  const key = at < 0 ? wanted : wanted.slice(0, at);
  return labels !== null && Object.hasOwn(labels, key) && (at < 0 || labels[key] === wanted.slice(at + 1));
}
