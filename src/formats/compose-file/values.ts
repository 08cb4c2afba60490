import * as path from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { parseBytes } from '../bytes.ts';
import { formatDuration, parseDuration } from '../duration.ts';
import { splitWords } from '../shell-words.ts';
import { isNull, list, map, type Node, scalar } from './node.ts';
import {
  asText,
  listOf,
  listOrMap,
  object,
  type Reading,
  type Shape,
  text,
  textOrNumber,
  texts,
  wrong,
} from './shape.ts';

// Values that several parts of a compose file share. Each shape's long form is what `config` prints.

/** `64m`, `1gb`, or a number of bytes; the long form is the number as a text. */
export const bytes: Shape = (node, where, reading) => {
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean')
    return wrong(node, where, reading, 'a size');
  const given = asText(node).text.trim();
  if (given === '-1') return scalar(node.place, '-1');
  try {
    return scalar(node.place, String(parseBytes(given)));
  } catch (error) {
    reading.problems.add(node.place, `${where}: ${messageOf(error)}`);
    return node;
  }
};

/** `1m30s`; the long form is Go's way to write it. Plain `0` is taken too. */
export const duration: Shape = (node, where, reading) => {
  if (node.kind !== 'scalar' || (typeof node.value !== 'string' && node.value !== 0))
    return wrong(node, where, reading, 'a duration such as "30s"');
  try {
    return scalar(node.place, formatDuration(parseLongDuration(node.text || String(node.value))));
  } catch (error) {
    reading.problems.add(node.place, `${where}: ${messageOf(error)}`);
    return node;
  }
};

/** Compose files also have days and weeks. */
function parseLongDuration(given: string): bigint {
  const match = /^(?:(\d+)w)?(?:(\d+)d)?(.*)$/.exec(given);
  const days = BigInt(match?.[1] ?? 0) * 7n + BigInt(match?.[2] ?? 0);
  const rest = match?.[3] ?? given;
  return days * 86_400_000_000_000n + (days > 0n && rest === '' ? 0n : parseDuration(rest));
}

/** A path of the host: absolute in its long form. */
export const hostPath: Shape = (node, where, reading) => {
  const given = text(node, where, reading);
  return given.kind === 'scalar' && typeof given.value === 'string'
    ? { ...given, value: resolvePath(given.value, reading) }
    : given;
};

export function resolvePath(given: string, { folder, home }: Pick<Reading, 'folder' | 'home'>): string {
  if (given === '~' || given.startsWith('~/')) return path.join(home, given.slice(1));
  return path.resolve(folder, given);
}

/** A command: a text is split as a shell would split it, a list is taken as it is. */
export const command: Shape = (node, where, reading) => {
  if (node.kind === 'list') return listOf(textOrNumber)(node, where, reading);
  if (node.kind !== 'scalar') return wrong(node, where, reading, 'a string or a list');
  if (node.value === null) return node;
  try {
    const words = splitWords(asText(node).text);
    return list(
      node.place,
      words.map((word) => scalar(node.place, word)),
    );
  } catch (error) {
    reading.problems.add(node.place, `${where}: ${messageOf(error)}`);
    return node;
  }
};

export const labels: Shape = listOrMap(() => '');

const variables = listOrMap(() => null);

/** Variables; one without a value takes it from the environment, and stays without where that has none. */
export const environment: Shape = (node, where, reading) => {
  const read = variables(node, where, reading);
  if (read.kind !== 'map') return read;
  const entries = new Map(read.entries);
  for (const [name, entry] of entries) {
    const found = isNull(entry.value) && entry.value.tag === undefined ? reading.lookup(name) : undefined;
    if (found !== undefined) entries.set(name, { ...entry, value: scalar(entry.place, found) });
  }
  return { ...read, entries };
};
export const options: Shape = listOrMap(() => '');

/** Names of hosts and their addresses: `host=ip`, `host:ip`, or a map; the long form is a map of lists. */
export const extraHosts: Shape = (node, where, reading) => {
  const found = new Map<string, Node[]>();
  const add = (host: string, address: string, at: Node): void => {
    const bare = /^\[(.*)\]$/.exec(address)?.[1] ?? address;
    found.set(host, [...(found.get(host) ?? []), scalar(at.place, bare)]);
  };
  if (node.kind === 'map')
    for (const [host, { value }] of node.entries) {
      const addresses = value.kind === 'list' ? value.items : [value];
      for (const one of addresses) {
        const address = text(one, `${where}.${host}`, reading);
        if (address.kind === 'scalar') add(host, String(address.value), one);
      }
    }
  else if (node.kind === 'list')
    for (const [at, item] of node.items.entries()) {
      const given = text(item, `${where}[${at}]`, reading);
      const match = given.kind === 'scalar' ? /^([^=:]+)[=:](.+)$/.exec(String(given.value)) : null;
      if (match) add(match[1]!, match[2]!, item);
      else if (given.kind === 'scalar' && given.value !== null)
        reading.problems.add(item.place, `${where}[${at}]: bad host name '${given.value}', it is HOST=ADDRESS`);
    }
  else return wrong(node, where, reading, 'a mapping or a list');
  return map(
    node.place,
    [...found].map(([host, addresses]) => [host, list(node.place, addresses)] as const),
  );
};

const ulimitPair = object(() => ({ soft: limit, hard: limit }), { required: ['soft', 'hard'] });

const limit: Shape = (node, where, reading) => {
  const given = textOrNumber(node, where, reading);
  if (given.kind !== 'scalar' || given.value === null) return given;
  const value = Number(given.value);
  return Number.isSafeInteger(value) && value >= -1
    ? scalar(node.place, value)
    : wrong(node, where, reading, 'an integer');
};

/** One number for both limits, or `soft` and `hard`. */
export const ulimit: Shape = (node, where, reading) =>
  node.kind === 'map' ? ulimitPair(node, where, reading) : limit(node, where, reading);

const deviceFields = object(() => ({
  capabilities: texts,
  count: deviceCount,
  device_ids: texts,
  driver: text,
  options,
}));

const deviceCount: Shape = (node, where, reading) => {
  const given = textOrNumber(node, where, reading);
  if (given.kind !== 'scalar' || given.value === null) return given;
  if (given.value === 'all') return scalar(node.place, -1);
  return /^-?\d+$/.test(String(given.value))
    ? scalar(node.place, Number(given.value))
    : wrong(node, where, reading, '"all" or a number');
};

export const deviceRequests: Shape = listOf(deviceFields);

export const gpus: Shape = (node, where, reading) => {
  if (node.kind === 'scalar' && node.value === 'all')
    return list(node.place, [map(node.place, [['count', scalar(node.place, -1)]])]);
  return deviceRequests(node, where, reading);
};

/** A file's mode. YAML reads `0440` as a decimal number; what was written is octal. */
export const fileMode: Shape = (node, where, reading) => {
  if (node.kind === 'scalar' && (typeof node.value === 'number' || typeof node.value === 'string')) {
    const match =
      /^0o?([0-7]+)$/.exec(node.text) ?? (typeof node.value === 'string' ? /^([0-7]+)$/.exec(node.text) : null);
    if (match) return scalar(node.place, `0${match[1]}`);
    if (/^\d+$/.test(node.text)) return scalar(node.place, `0${Number(node.text).toString(8)}`);
  }
  return wrong(node, where, reading, 'a file mode such as 0440');
};
