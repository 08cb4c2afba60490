import { parse } from 'yaml';
import * as z from 'zod';
import { invalid, messageOf } from '../../base/errors.ts';

type Plain = Record<string, unknown>;

const prefix = 'REGISTRY_';
/** What Kubernetes puts into containers beside a service named `registry`. */
const serviceLink = /^REGISTRY_(PORT(_\d+_(TCP|UDP)(_PROTO|_PORT|_ADDR)?)?|SERVICE_(HOST|PORT(_.+)?))$/;

/**
 * Lays `REGISTRY_*` variables over what a file says: `REGISTRY_HTTP_ADDR` is `http.addr`, the rest of a name below a
 * free mapping is its key, and values are YAML. `REGISTRY_STORAGE=filesystem` chooses a key whose own keys may be set
 * by other variables. `origins` says which path came from which variable.
 * @throws invalid for a variable that names no key.
 */
export function overlayEnvironment(
  fromFile: Plain,
  environment: Readonly<Record<string, string | undefined>>,
  schema: z.ZodType,
): { merged: Plain; origins: ReadonlyMap<string, string> } {
  const merged = structuredClone(fromFile);
  const origins = new Map<string, string>();
  const names = Object.keys(environment).filter((name) => name.startsWith(prefix) && !serviceLink.test(name));
  for (const name of names.sort()) {
    const text = environment[name] ?? '';
    const path = pathOf(schema, name.slice(prefix.length).split('_'));
    if (path === undefined) throw invalid(`${name}: is no key that tug registry knows`);
    set(merged, path, chosenKey(schema, path, parsedValue(name, text)));
    origins.set(path.join('.'), name);
  }
  return { merged, origins };
}

function parsedValue(name: string, text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    throw invalid(`${name}: ${messageOf(error).split('\n', 1)[0]}`);
  }
}

/** The keys that words of a variable's name stand for, in the spelling of the schema. */
function pathOf(schema: z.ZodType, words: readonly string[]): string[] | undefined {
  const inner = plainSchema(schema);
  if (words.length === 0) return [];
  if (inner instanceof z.ZodRecord) return [words.join('_').toLowerCase()];
  if (!(inner instanceof z.ZodObject)) return undefined;
  const [word = '', ...rest] = words;
  const shape = inner.shape as Record<string, z.ZodType>;
  const key = Object.keys(shape).find((candidate) => candidate.toLowerCase() === word.toLowerCase());
  const below = key === undefined ? undefined : shape[key];
  const path = below && pathOf(below, rest);
  return key === undefined || path === undefined ? undefined : [key, ...path];
}

/** The schema itself, below what makes it optional or gives a default. */
function plainSchema(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return plainSchema(schema.unwrap() as z.ZodType);
  }
  return schema instanceof z.ZodPipe ? plainSchema(schema.in as z.ZodType) : schema;
}

/** `filesystem` for `storage` means `{filesystem: {}}`. */
function chosenKey(schema: z.ZodType, path: readonly string[], value: unknown): unknown {
  let here: z.ZodType | undefined = schema;
  for (const key of path) {
    const inner: z.ZodType = plainSchema(here);
    here = inner instanceof z.ZodObject ? (inner.shape as Record<string, z.ZodType>)[key] : undefined;
    if (here === undefined) return value;
  }
  const inner = plainSchema(here);
  return inner instanceof z.ZodObject && typeof value === 'string' && value in inner.shape ? { [value]: {} } : value;
}

/** Sets a value; mappings are laid over one another, since variables come in no useful order. */
function set(target: Plain, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  const there = target[key];
  if (rest.length > 0) {
    const below = isPlain(there) ? there : {};
    target[key] = below;
    set(below, rest, value);
  } else if (isPlain(there) && isPlain(value)) {
    for (const [name, inner] of Object.entries(value)) set(there, [name], inner);
  } else target[key] = value;
}

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
