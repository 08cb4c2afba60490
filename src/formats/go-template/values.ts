/**
 * Values of templates. A plain object stands for a Go struct: its fields are known, and asking for another one is an
 * error. A `Map` stands for a Go map: a missing key is no value. A function is a method, called with the arguments that
 * follow the field.
 */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | Struct
  | Method;
export interface Struct {
  readonly [field: string]: Value;
}
export type Method = (...args: Value[]) => Value;

export function isNumber(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ReadonlyMap<string, Value> {
  return value instanceof Map;
}

export function isStruct(value: Value): value is Struct {
  return typeof value === 'object' && value !== null && !isList(value) && !isMap(value);
}

export function isAbsent(value: Value): value is undefined | null {
  return value === undefined || value === null;
}

/** What `if`, `with`, `and`, `or` and `not` go by. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return value.size > 0;
  return Boolean(value);
}

/** The keys of a map or struct in the order in which maps are printed and ranged over. */
export function sortedEntries(value: ReadonlyMap<string, Value> | Struct): [string, Value][] {
  const entries = isMap(value) ? [...value] : Object.entries(value);
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The name that Go would give the value's type; `structName` is what a struct is called. */
export function typeName(value: Value, structName = 'struct'): string {
  if (isAbsent(value)) return 'interface {}';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (isNumber(value)) return typeof value === 'bigint' || Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'function') return 'func';
  if (isList(value)) return '[]interface {}';
  return isMap(value) ? 'map[string]interface {}' : structName;
}
