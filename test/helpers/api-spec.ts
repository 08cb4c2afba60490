import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

/** A schema of the Engine API's specification (Swagger 2.0), as far as it is read here. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
}

export interface ApiSpec {
  /** The schema of a request's body. */
  body(route: string, method: string): Schema;
  resolve(schema: Schema): Schema;
}

interface Document {
  readonly definitions: Readonly<Record<string, Schema>>;
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { parameters: readonly { in: string; schema?: Schema }[] }>>>
  >;
}

const file = path.resolve(import.meta.dirname, '../../../shared/specs/engine-api/v1.55.json');

/** The specification where it lies beside the project, undefined where it does not. */
export function readApiSpec(): ApiSpec | undefined {
  if (!existsSync(file)) return undefined;
  const document = JSON.parse(readFileSync(file, 'utf8')) as Document;
  const resolve = (schema: Schema): Schema => {
    if (schema.$ref) return resolve(document.definitions[schema.$ref.split('/').at(-1) ?? ''] ?? {});
    if (!schema.allOf) return schema;
    const parts = schema.allOf.map(resolve);
    return { type: 'object', properties: Object.assign({}, ...parts.map(({ properties }) => properties ?? {})) };
  };
  return {
    resolve,
    body: (route, method) =>
      document.paths[route]?.[method]?.parameters.find((parameter) => parameter.in === 'body')?.schema ?? {},
  };
}

/** A body that is well formed but for one value. */
export interface Variant {
  /** `HostConfig.Mounts.0.Type`. */
  readonly field: string;
  readonly type: string;
  readonly body: unknown;
}

/** For every typed field of a schema, at any depth, a body for each value that `values` gives for its type. */
export function variants(spec: ApiSpec, schema: Schema, values: (type: string) => readonly unknown[]): Variant[] {
  const found: Variant[] = [];
  const walk = (given: Schema, field: readonly string[], wrap: (value: unknown) => unknown): void => {
    if (field.length > 8) return;
    const { type, properties, items, additionalProperties } = spec.resolve(given);
    const kind = type ?? (properties ? 'object' : undefined);
    if (kind === undefined) return;
    if (field.length > 0)
      for (const value of values(kind)) found.push({ field: field.join('.'), type: kind, body: wrap(value) });
    for (const [name, property] of Object.entries(properties ?? {}))
      walk(property, [...field, name], (value) => wrap({ [name]: value }));
    if (kind === 'array' && items) walk(items, [...field, '0'], (value) => wrap([value]));
    if (typeof additionalProperties === 'object')
      walk(additionalProperties, [...field, 'key'], (value) => wrap({ key: value }));
  };
  walk(schema, [], (value) => value);
  return found;
}
