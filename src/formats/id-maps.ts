import { invalid } from '../base/errors.ts';

/** Ids `inside` to `inside + count - 1` of a user namespace are those from `outside` on the host (user_namespaces(7)). */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** The ids of a user namespace. */
export interface IdMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/** Whoever is not in a namespace is shown as this one (/proc/sys/kernel/overflowuid). */
export const nobody = 65534;

/** What a host's id is called inside; `nobody` for one that is not mapped. */
export function insideId(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ outside, count }) => id >= outside && id < outside + count);
  return range ? id - range.outside + range.inside : nobody;
}

/** The host's id of one inside. @throws invalid for one that the namespace does not have. */
export function outsideId(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ inside, count }) => id >= inside && id < inside + count);
  if (!range) throw invalid(`the id ${id} has no place in the container's user namespace`, { code: 'id-not-mapped' });
  return id - range.inside + range.outside;
}

/** The host's ids of a namespace's root. */
export const rootOf = ({ uids, gids }: IdMaps): { uid: number; gid: number } => ({
  uid: outsideId(uids, 0),
  gid: outsideId(gids, 0),
});

/** Of the host's own namespace. */
export const everyId: readonly IdRange[] = [{ inside: 0, outside: 0, count: 0xffff_ffff }];

/**
 * The ids of a mount (inside: what is on the disk) for a container with these ids, in which `a` is seen as the container's
 * `b` and `b` as its `a`, as far as it has one. @throws invalid for a `b` that it does not have.
 */
export function exchangeIds(ranges: readonly IdRange[], a: number, b: number): IdRange[] {
  const [first, second] = [outsideId(ranges, b), ranges.find((range) => has(range, a))];
  const others = [a, b].reduce<readonly IdRange[]>((left, id) => left.flatMap((range) => without(range, id)), ranges);
  const exchanged = [{ inside: a, outside: first, count: 1 }];
  if (a !== b && second) exchanged.push({ inside: b, outside: a - second.inside + second.outside, count: 1 });
  return [...others, ...exchanged].sort((one, other) => one.inside - other.inside);
}

const has = ({ inside, count }: IdRange, id: number): boolean => id >= inside && id < inside + count;

function without(range: IdRange, id: number): IdRange[] {
  if (!has(range, id)) return [range];
  const before = id - range.inside;
  const parts = [
    { ...range, count: before },
    { inside: id + 1, outside: range.outside + before + 1, count: range.count - before - 1 },
  ];
  return parts.filter(({ count }) => count > 0);
}

/** Parses /proc/PID/uid_map or gid_map; undefined where every id is the host's own. */
export function parseIdMap(text: string): IdRange[] | undefined {
  const ranges = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, , count]) => count !== undefined)
    .map(([inside = 0, outside = 0, count = 0]) => ({ inside, outside, count }));
  const [first] = ranges;
  return first?.inside === 0 && first.outside === 0 && first.count === 0xffff_ffff ? undefined : ranges;
}

/** As they are written to /proc/PID/uid_map. */
export const formatIdMap = (ranges: readonly IdRange[]): string =>
  ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('');

/** The ranges of /etc/subuid or /etc/subgid (subuid(5)) that are one of `owners`', one after the other from 0 on. */
export function subordinateRanges(text: string, owners: readonly string[]): IdRange[] {
  const ranges: IdRange[] = [];
  let inside = 0;
  for (const line of text.split('\n')) {
    const [owner = '', start, count] = line.trim().split(':');
    if (!owners.includes(owner) || !/^\d+$/.test(start ?? '') || !/^[1-9]\d*$/.test(count ?? '')) continue;
    ranges.push({ inside, outside: Number(start), count: Number(count) });
    inside += Number(count);
  }
  return ranges;
}
