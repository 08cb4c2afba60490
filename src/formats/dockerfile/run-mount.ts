import * as path from 'node:path/posix';
import { messageOf } from '../../base/errors.ts';
import { parseBytes } from '../bytes.ts';
import { csvFields } from '../csv.ts';
import { SyntaxFault } from './source.ts';
import { withSuggestion } from './suggestion.ts';
import type { RunMount } from './types.ts';

const types = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const sharings = ['shared', 'private', 'locked'] as const;

/** The spellings of each key. */
const keys: Readonly<Record<string, Key>> = {
  type: 'type',
  from: 'from',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  readwrite: 'readwrite',
  rw: 'readwrite',
  required: 'required',
  size: 'size',
  id: 'id',
  sharing: 'sharing',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  env: 'env',
};
type Key = keyof RunMount | 'readwrite';

/** Keys that may stand without a value, and the types that have keys which others have not. */
const flags: ReadonlySet<string> = new Set(['readonly', 'readwrite', 'required']);
const onlyFor: Partial<Readonly<Record<Key, readonly RunMount['type'][]>>> = {
  size: ['tmpfs'],
  required: ['secret', 'ssh'],
  env: ['secret'],
};
const ownership: ReadonlySet<RunMount['type']> = new Set(['secret', 'ssh', 'cache']);

/**
 * What can be checked of a `--mount` before variables are known.
 * @throws SyntaxFault for a list that cannot be read, and a variable in `from`.
 */
export function checkRunMount(text: string): void {
  mountFrom(text);
}

/** The stage, context or image that a `--mount` takes its files from. @throws SyntaxFault as `checkRunMount`. */
export function mountFrom(text: string): string | undefined {
  for (const { key, value } of splitMount(text)) {
    if (key.toLowerCase() !== 'from' || value === undefined) continue;
    if (/\$./.test(value)) {
      throw new SyntaxFault("'from' doesn't support variable expansion, define alias stage instead", value);
    }
    return value === '' ? undefined : value;
  }
  return undefined;
}

/** The values in a `--mount`, as written. @throws SyntaxFault for a list that cannot be read. */
export const mountValues = (text: string): string[] => splitMount(text).flatMap(({ value }) => value ?? []);

/**
 * Reads a `--mount` of RUN, its values expanded by `expand`. A secret gets its id from its source or target, and its
 * target below `/run/secrets`; a cache its id from its target; an ssh agent the id `default`.
 * @throws SyntaxFault in Docker's words.
 */
export function parseRunMount(text: string, expand: (value: string) => string = (value) => value): RunMount {
  const given = new Map<Key, { written: string; value: string }>();
  for (const { key, value, field } of splitMount(text)) {
    const lower = key.toLowerCase();
    const name = Object.hasOwn(keys, lower) ? keys[lower] : undefined;
    if (value === undefined && !(name !== undefined && flags.has(name))) {
      throw new SyntaxFault(`invalid field '${field}' must be a key=value pair`, field);
    }
    if (name === undefined) {
      throw new SyntaxFault(withSuggestion(`unexpected key '${lower}' in '${field}'`, lower, Object.keys(keys)), field);
    }
    given.set(name, { written: lower, value: value === undefined ? 'true' : expand(value) });
    if (name === 'readwrite') given.delete('readonly');
    if (name === 'readonly') given.delete('readwrite');
  }
  const type = oneOf(given.get('type')?.value.toLowerCase() ?? 'bind', types, 'mount type');
  checkKeys(type, given);
  return withDefaults(type, given);
}

type Given = ReadonlyMap<Key, { readonly written: string; readonly value: string }>;

function checkKeys(type: RunMount['type'], given: Given): void {
  for (const [key, { written }] of given) {
    if (onlyFor[key]?.includes(type) === false) {
      throw new SyntaxFault(`unexpected key '${written}' for mount type '${type}'`, written);
    }
    if ((key === 'mode' || key === 'uid' || key === 'gid') && !ownership.has(type)) {
      throw new SyntaxFault(`${key} not allowed for "${type}" type mounts`, written);
    }
  }
  if (type === 'secret') {
    if (text(given, 'from')) throw new SyntaxFault('secret mount should not have a from', 'from');
    if (text(given, 'sharing')) throw new SyntaxFault('secret mount should not define sharing', 'sharing');
    if (!text(given, 'source') && !text(given, 'target') && !text(given, 'id')) {
      throw new SyntaxFault('invalid secret mount. one of source, target required', 'secret');
    }
    if (text(given, 'source') && text(given, 'id')) throw new SyntaxFault("both source and id can't be set", 'id');
  }
  if (text(given, 'sharing') && type !== 'cache') {
    throw new SyntaxFault(`invalid cache sharing set for ${type} mount`, 'sharing');
  }
}

const text = (given: Given, key: Key): string | undefined => given.get(key)?.value || undefined;

function withDefaults(type: RunMount['type'], given: Given): RunMount {
  const from = text(given, 'from');
  const source = text(given, 'source');
  const env = text(given, 'env');
  const size = text(given, 'size');
  const sharing = text(given, 'sharing');
  const id = idOf(type, given);
  const target =
    text(given, 'target') ??
    (type === 'secret' && env === undefined ? `/run/secrets/${path.basename(id ?? '')}` : undefined);
  return {
    type,
    readonly: readonlyOf(type, given),
    required: boolean(given, 'required') ?? false,
    ...(from === undefined ? {} : { from }),
    ...(source === undefined ? {} : { source }),
    ...(target === undefined ? {} : { target }),
    ...(id === undefined ? {} : { id }),
    ...(env === undefined ? {} : { env }),
    ...(size === undefined ? {} : { size: readSize(size) }),
    ...(type === 'cache' ? { sharing: oneOf(sharing?.toLowerCase() ?? 'shared', sharings, 'sharing value') } : {}),
    ...number(given, 'mode', 8),
    ...number(given, 'uid', 10),
    ...number(given, 'gid', 10),
  };
}

function idOf(type: RunMount['type'], given: Given): string | undefined {
  const id = text(given, 'id');
  const target = text(given, 'target');
  if (id !== undefined || type === 'bind' || type === 'tmpfs') return id;
  if (type === 'ssh') return 'default';
  if (type === 'cache') return target === undefined ? undefined : path.normalize(target);
  return text(given, 'source') ?? path.basename(target ?? '');
}

function readonlyOf(type: RunMount['type'], given: Given): boolean {
  const readwrite = boolean(given, 'readwrite');
  return boolean(given, 'readonly') ?? (readwrite === undefined ? type !== 'cache' && type !== 'tmpfs' : !readwrite);
}

const truths: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const falsehoods: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

function boolean(given: Given, key: Key): boolean | undefined {
  const entry = given.get(key);
  if (entry === undefined) return undefined;
  if (truths.has(entry.value)) return true;
  if (falsehoods.has(entry.value)) return false;
  throw new SyntaxFault(`invalid value for ${entry.written}: ${entry.value}`, entry.written);
}

function readSize(value: string): number {
  try {
    return parseBytes(value);
  } catch {
    throw new SyntaxFault(`invalid value for size: ${value}`, 'size');
  }
}

function number<Name extends 'mode' | 'uid' | 'gid'>(
  given: Given,
  key: Name,
  radix: 8 | 10,
): { readonly [Key in Name]?: number } {
  const value = given.get(key)?.value;
  if (value === undefined) return {};
  const parsed = Number.parseInt(value, radix);
  if (!(radix === 8 ? /^[0-7]{1,11}$/ : /^\d{1,10}$/).test(value) || parsed > 2 ** 32 - 1) {
    throw new SyntaxFault(`invalid value ${value} for ${key}`, key);
  }
  return { [key]: parsed } as { [Key in Name]?: number };
}

function oneOf<Value extends string>(value: string, known: readonly Value[], what: string): Value {
  const found = known.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new SyntaxFault(withSuggestion(`unsupported ${what} ${JSON.stringify(value)}`, value, known), value);
}

/** Splits a list at commas; a field in double quotes may hold commas, `""` in it is a quote. */
function splitMount(list: string): { key: string; value?: string; field: string }[] {
  return fieldsOf(list).map((field) => {
    const equals = field.indexOf('=');
    return equals < 0 ? { key: field, field } : { key: field.slice(0, equals), value: field.slice(equals + 1), field };
  });
}

function fieldsOf(list: string): string[] {
  try {
    return csvFields(list);
  } catch (error) {
    throw new SyntaxFault(`failed to parse csv mounts: ${messageOf(error)}`, '--mount');
  }
}
