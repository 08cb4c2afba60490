import type { RouteName } from '../../../api/routes.ts';
import type { Query } from '../query.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * One difference between an older API version and the newest, on one route. `request` turns what an older
 * client sends into what the newest version means; `response` turns the newest answer into the older one's.
 * Neither changes what it is given. Adapters run in the order of the table.
 */
export interface Adapter {
  /** The first version that does without it. */
  readonly below: string;
  readonly route: RouteName;
  readonly request?: (body: JsonObject) => JsonObject;
  readonly response?: (body: JsonObject, query: Query) => JsonObject;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object without some fields. */
export function without(object: JsonObject, fields: readonly string[]): JsonObject {
  if (!fields.some((field) => field in object)) return object;
  const rest: Record<string, unknown> = {};
  for (const name of Object.keys(object)) {
    // an assignment to this name would change the prototype, and no API has a field of it
    if (name !== '__proto__' && !fields.includes(name)) rest[name] = object[name];
  }
  return rest;
}

/** The object with one field changed, if that holds an object. */
export function changeField(object: JsonObject, field: string, change: (value: JsonObject) => JsonObject): JsonObject {
  const value = object[field];
  return isObject(value) ? { ...object, [field]: change(value) } : object;
}

/** The object with the objects of one list changed. */
export function changeItems(object: JsonObject, field: string, change: (item: JsonObject) => JsonObject): JsonObject {
  const list: unknown = object[field];
  if (!Array.isArray(list)) return object;
  return { ...object, [field]: list.map((item: unknown) => (isObject(item) ? change(item) : item)) };
}
