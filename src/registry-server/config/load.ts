import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { invalid, messageOf } from '../../base/errors.ts';
import { overlayEnvironment } from './environment.ts';
import { type RegistryConfig, registryConfigSchema } from './schema.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The configuration of a registry: a file of CNCF distribution's format, or none, and over it the `REGISTRY_*`
 * variables. What neither says is the default of the schema.
 * @throws invalid for a file that cannot be read or is no YAML, and for every key that is unknown or has a wrong value,
 * each named with its line or variable.
 */
export function loadRegistryConfig(file: string | undefined, environment: Environment): RegistryConfig {
  const lines = new LineCounter();
  const document = parseDocument(file === undefined ? '' : readText(file), { lineCounter: lines });
  const where = file ?? 'the configuration';
  const [fault] = document.errors;
  if (fault) throw invalid(`${where}: line ${lines.linePos(fault.pos[0]).line}: ${fault.message.split('\n', 1)[0]}`);
  const lineOf = (path: readonly PropertyKey[]): number | undefined => {
    for (let length = path.length; length > 0; length -= 1) {
      const offset = offsetOf(document, path.slice(0, length));
      if (offset !== undefined) return lines.linePos(offset).line;
    }
    return undefined;
  };
  const value: unknown = document.toJS() ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${where} is no mapping of keys to values`);
  const { merged, origins } = overlayEnvironment(value as Record<string, unknown>, environment, registryConfigSchema);
  const checked = registryConfigSchema.safeParse(merged);
  if (checked.success) return checked.data;
  const sentences = checked.error.issues.flatMap((issue) =>
    faultsOf(issue).map(({ path, words }) => {
      const variable = origins.get(path.join('.'));
      const line = lineOf(path);
      const place = variable ?? (line === undefined ? where : `${where}: line ${line}`);
      return `${place}: ${path.length === 0 ? '' : `"${path.join('.')}": `}${words}`;
    }),
  );
  throw invalid(sentences.join('\n'));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(`the configuration cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Each unknown key by itself, so that it is found where it stands. */
function faultsOf(issue: z.core.$ZodIssue): { path: readonly PropertyKey[]; words: string }[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, words: issue.message }];
  return issue.keys.map((key) => ({ path: [...issue.path, key], words: 'is no key that tug registry knows' }));
}

/** Where the key at the end of a path begins in the text. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number | undefined {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const items = (parent as { items?: unknown } | undefined)?.items;
  if (!Array.isArray(items)) return undefined;
  const last = path.at(-1);
  for (const [index, item] of items.entries()) {
    const { key, range } = item as { key?: { value?: unknown; range?: [number] }; range?: [number] };
    if (key?.range && String(key.value) === String(last)) return key.range[0];
    if (typeof last === 'number' && index === last) return range?.[0];
  }
  return undefined;
}
