import { invalid } from '../base/errors.ts';

/** `key=value` cut at the first `=`; the value is undefined without one. */
export function cutKeyValue(text: string): { key: string; value: string | undefined } {
  const equals = text.indexOf('=');
  return equals < 0 ? { key: text, value: undefined } : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

/**
 * One `-e`: `NAME=value` as it stands; a bare `NAME` with the value that `lookup` knows, and as it stands when it
 * knows none, which the engine takes as "unset what the image sets".
 * @throws invalid `invalid environment variable: =x`.
 */
export function parseEnv(text: string, lookup: (name: string) => string | undefined): string {
  const { key, value } = cutKeyValue(text);
  if (key === '') throw invalid(`invalid environment variable: ${text}`);
  const found = value === undefined ? lookup(key) : undefined;
  return found === undefined ? text : `${key}=${found}`;
}

/** One `--label`: `key=value`, or `key` for an empty value. @throws invalid in Docker's words. */
export function parseLabel(text: string): [key: string, value: string] {
  const { key, value } = cutKeyValue(text);
  const name = key.replace(/^[ \t]+/, '');
  if (name === '') throw invalid(`invalid label '${text}': empty name`);
  if (/[ \t]/.test(name)) throw invalid(`label '${name}' contains whitespaces`);
  return [key, value ?? ''];
}

/**
 * Merges environments, each a list of `NAME=value`: later ones win in place, and a bare `NAME` removes the variable.
 */
export function mergeEnv(...lists: readonly (readonly string[])[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of lists.flat()) {
    const { key, value } = cutKeyValue(entry);
    if (value === undefined) merged.delete(key);
    else merged.set(key, entry);
  }
  return [...merged.values()];
}

/** The filters of a list request: key to the values asked for. */
export type Filters = Record<string, string[]>;

/** All `--filter key=value` of a command. Empty ones do not count. @throws invalid as Docker. */
export function parseFilterOptions(texts: readonly string[]): Filters {
  const filters: Filters = emptyFilters();
  for (const text of texts) {
    if (text === '') continue;
    const { key, value } = cutKeyValue(text);
    if (value === undefined) throw invalid('bad format of filter (expected name=value)');
    const name = key.trim().toLowerCase();
    const values = filters[name] ?? [];
    if (!values.includes(value.trim())) filters[name] = [...values, value.trim()];
  }
  return filters;
}

/**
 * Parses the API's `filters` parameter: `{"key":{"value":true}}` or, from old clients, `{"key":["value"]}`. Nothing
 * or an empty string is no filter.
 * @throws invalid for anything else.
 */
export function parseFilters(json: string | undefined): Filters {
  const filters: Filters = emptyFilters();
  if (json === undefined || json === '') return filters;
  const parsed = parseJson(json);
  if (parsed === null) return filters;
  if (!isRecord(parsed)) throw badFilters();
  for (const [key, values] of Object.entries(parsed)) filters[key] = filterValues(values);
  return filters;
}

/** Filters as the API takes them, `{"key":{"value":true}}`. */
export function formatFilters(filters: Readonly<Record<string, readonly string[]>>): string {
  const entries = Object.entries(filters).map(([key, values]): [string, Record<string, boolean>] => [
    key,
    Object.fromEntries(values.map((value) => [value, true])),
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

function filterValues(values: unknown): string[] {
  if (values === null) return [];
  if (Array.isArray(values)) {
    if (!values.every((value): value is string => typeof value === 'string')) throw badFilters();
    return values;
  }
  if (!isRecord(values) || !Object.values(values).every((flag) => typeof flag === 'boolean')) throw badFilters();
  return Object.keys(values).filter((value) => values[value] === true);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw badFilters(cause);
  }
}

/** Without a prototype, since keys come from clients. */
function emptyFilters(): Filters {
  return Object.create(null) as Filters;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badFilters(cause?: unknown) {
  return invalid('invalid filters: expected a JSON object of {"name":{"value":true}} or {"name":["value"]}', {
    code: 'invalid-filter',
    ...(cause === undefined ? {} : { cause }),
  });
}
