import { z } from 'zod';

/**
 * Brings a parsed JSON value into the form that a schema expects, as Go's decoder reads it: field names are
 * matched in any case (the exact one wins), fields of no name known are dropped, a null field is as if absent,
 * and a null inside a list or map is the zero value of its type. What does not fit is left for the schema to refuse.
 */
export function normalise(schema: z.ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return value === null || value === undefined ? undefined : normalise(inner(schema), value);
  }
  if (schema instanceof z.ZodObject) return normaliseObject(schema, value);
  if (schema instanceof z.ZodRecord) return normaliseRecord(schema, value);
  if (schema instanceof z.ZodArray) {
    if (!Array.isArray(value)) return value ?? [];
    return value.map((item) => normaliseItem(schema.element as z.ZodType, item));
  }
  return value;
}

function normaliseObject(schema: z.ZodObject, value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (!isObject(value)) return value;
  const names = fieldNames(schema);
  const result: Record<string, unknown> = {};
  for (const [given, item] of Object.entries(value)) {
    const name = given in schema.shape ? given : names.get(given.toLowerCase());
    if (name === undefined) {
      if (schema.def.catchall) result[given] = item;
      continue;
    }
    if (item === null || (name !== given && name in value)) continue;
    result[name] = normalise(schema.shape[name] as z.ZodType, item);
  }
  return result;
}

function normaliseRecord(schema: z.ZodRecord, value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (!isObject(value)) return value;
  const item = schema.valueType as z.ZodType;
  return Object.fromEntries(Object.entries(value).map(([key, given]) => [key, normaliseItem(item, given)]));
}

/** An element of a list or map: null stands for the zero value of its type. */
function normaliseItem(schema: z.ZodType, item: unknown): unknown {
  if (item !== null) return normalise(schema, item);
  if (schema instanceof z.ZodNullable) return null;
  if (schema instanceof z.ZodString) return '';
  if (schema instanceof z.ZodNumber) return 0;
  if (schema instanceof z.ZodBoolean) return false;
  return normalise(schema, null);
}

const inner = (schema: z.ZodOptional | z.ZodNullable): z.ZodType => schema.unwrap() as z.ZodType;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const known = new WeakMap<z.ZodObject, Map<string, string>>();

/** Lower-case field names to those of the schema. */
function fieldNames(schema: z.ZodObject): Map<string, string> {
  let names = known.get(schema);
  if (!names) {
    names = new Map(Object.keys(schema.shape).map((name) => [name.toLowerCase(), name]));
    known.set(schema, names);
  }
  return names;
}
