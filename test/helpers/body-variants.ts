import { readFileSync } from 'node:fs';
import * as path from 'node:path';

/** The type of a field: `string`, `[of its items]`, or the fields of an object, where `*` stands for any name. */
export type FieldType = string | readonly FieldType[] | { readonly [name: string]: FieldType };

/** The names and types of the fields in the body of POST /containers/create, as version 1.55 of the Engine API says them. */
export function createFields(): FieldType {
  const file = path.resolve(import.meta.dirname, '../fixtures/engine-api/create-container.json');
  return JSON.parse(readFileSync(file, 'utf8')) as FieldType;
}

/** A body that is well formed but for one value. */
export interface Variant {
  /** `HostConfig.Mounts.0.Type`. */
  readonly field: string;
  readonly type: string;
  readonly body: unknown;
}

/** For every field, at any depth, a body for each value that `values` gives for its type. */
export function variants(fields: FieldType, values: (type: string) => readonly unknown[]): Variant[] {
  const found: Variant[] = [];
  const walk = (given: FieldType, field: readonly string[], wrap: (value: unknown) => unknown): void => {
    const kind = typeof given === 'string' ? given : Array.isArray(given) ? 'array' : 'object';
    if (field.length > 0)
      for (const value of values(kind)) found.push({ field: field.join('.'), type: kind, body: wrap(value) });
    if (typeof given === 'string') return;
    for (const [key, type] of Object.entries(given)) {
      const name = key === '*' ? 'key' : key;
      walk(type, [...field, name], (value) => wrap(kind === 'array' ? [value] : { [name]: value }));
    }
  };
  walk(fields, [], (value) => value);
  return found;
}
