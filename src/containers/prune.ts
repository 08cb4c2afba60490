import { invalid, isKind } from '../base/errors.ts';
import { parseTimestamp } from '../formats/timestamp.ts';
import type { ContainerContext } from './context.ts';
import type { PrunedContainers } from './contract.ts';
import { type ContainerRecord, isActive } from './record.ts';
import { removeContainer } from './remove.ts';

type Predicate = (record: ContainerRecord, value: string) => boolean;

/** All values of `label` must agree and none of `label!`; of several times the earliest counts. */
const filters: Readonly<Record<string, Predicate>> = {
  label: (record, value) => hasLabel(record, value),
  'label!': (record, value) => !hasLabel(record, value),
  until: (record, value) => {
    const until = parseTimestamp(value, { now: BigInt(Date.now()) * 1_000_000n });
    return BigInt(Date.parse(record.created)) * 1_000_000n <= until;
  },
};

/**
 * Removes the containers that do not run, one after another; one that is started or removed meanwhile is left out.
 * With `dryRun` nothing is removed, and the answer says what would be.
 * @throws invalid for a filter that does not exist, or a time that is none.
 */
export async function pruneContainers(
  context: ContainerContext,
  options: { filters: Readonly<Record<string, readonly string[]>>; dryRun: boolean },
): Promise<PrunedContainers> {
  const conditions = Object.entries(options.filters).flatMap(([key, values]) => {
    const matches = Object.hasOwn(filters, key) ? filters[key] : undefined;
    if (!matches) throw invalid(`invalid filter '${key}'`);
    if (key === 'until') for (const value of values) parseTimestamp(value, { now: 0n });
    return values.map((value) => (record: ContainerRecord) => matches(record, value));
  });
  const doomed = context.store.all().filter((record) => !isActive(record) && conditions.every((one) => one(record)));
  const removed: string[] = [];
  let reclaimed = 0;
  for (const record of doomed) {
    const size = await context.snapshots.usage(record.id).catch(() => 0);
    if (!options.dryRun && !(await remove(context, record))) continue;
    removed.push(record.id);
    reclaimed += size;
  }
  if (!options.dryRun) context.events.publish('container', 'prune', '', { reclaimed: String(reclaimed) });
  return { removed, reclaimed };
}

async function remove(context: ContainerContext, record: ContainerRecord): Promise<boolean> {
  if (!context.store.get(record.id)) return false;
  try {
    await removeContainer(context, record, { force: false, volumes: false });
    return true;
  } catch (error) {
    if (isKind(error, 'conflict')) return false;
    throw error;
  }
}

function hasLabel(record: ContainerRecord, wanted: string): boolean {
  const labels = record.config.Labels ?? {};
  const at = wanted.indexOf('=');
  const key = at < 0 ? wanted : wanted.slice(0, at);
  return Object.hasOwn(labels, key) && (at < 0 || labels[key] === wanted.slice(at + 1));
}
