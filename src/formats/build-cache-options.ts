import { invalid } from '../base/errors.ts';
import { csvFields } from './csv.ts';
import { cutKeyValue } from './key-value.ts';

/** A cache that a build takes steps from. */
export type CacheFrom =
  | { readonly type: 'registry'; readonly ref: string }
  /** A folder of the client's, by the name that its session gives it. */
  | { readonly type: 'local'; readonly source: string };

/** Where a build sends its steps. */
export type CacheTo = {
  /** `max`: the steps of all stages; `min`: those that the image is made of. */
  readonly mode: 'min' | 'max';
  /** Also the folders of `--mount=type=cache`. */
  readonly mounts: boolean;
  /** A cache that cannot be sent is no reason for the build to fail. */
  readonly ignoreError: boolean;
} & (
  | { readonly type: 'inline' }
  | { readonly type: 'registry'; readonly ref: string }
  | { readonly type: 'local'; readonly destination: string }
);

type Fields = ReadonlyMap<string, string>;

/** Reads `--cache-from`: `type=registry,ref=NAME`, `type=local,src=FOLDER`, or a name alone. @throws invalid. */
export function parseCacheFrom(text: string): CacheFrom {
  if (!text.includes('=')) return { type: 'registry', ref: text };
  const fields = fieldsOf('--cache-from', text, ['type', 'ref', 'src']);
  const type = fields.get('type');
  if (type === 'registry') return { type, ref: needed('--cache-from', fields, 'ref') };
  if (type === 'local') return { type, source: needed('--cache-from', fields, 'src') };
  throw unknownType('--cache-from', type, 'registry and local');
}

/** Reads `--cache-to`: `type=inline`, `type=registry,ref=NAME`, `type=local,dest=FOLDER`, with `mode=min|max`. @throws invalid. */
export function parseCacheTo(text: string): CacheTo {
  if (!text.includes('=')) return { type: 'registry', ref: text, mode: 'min', mounts: false, ignoreError: false };
  const fields = fieldsOf('--cache-to', text, ['type', 'ref', 'dest', 'mode', 'mounts', 'ignore-error']);
  const mode = fields.get('mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max') throw invalid(`--cache-to: mode is min or max, not ${JSON.stringify(mode)}`);
  const common = { mode, mounts: truth(fields, 'mounts'), ignoreError: truth(fields, 'ignore-error') } as const;
  const type = fields.get('type');
  if (type === 'inline') {
    if (mode === 'max' || common.mounts)
      throw invalid('--cache-to type=inline: an image has room for its own steps only (mode=min, no mounts)');
    return { type, ...common };
  }
  if (type === 'registry') return { type, ref: needed('--cache-to', fields, 'ref'), ...common };
  if (type === 'local') return { type, destination: needed('--cache-to', fields, 'dest'), ...common };
  throw unknownType('--cache-to', type, 'inline, registry and local');
}

/** The option with another folder; for a client that names it to the engine. */
export const withField = (text: string, name: string, value: string): string =>
  csvFields(text)
    .map((field) => (field.startsWith(`${name}=`) ? `${name}=${value}` : field))
    .join(',');

function fieldsOf(option: string, text: string, known: readonly string[]): Fields {
  return new Map(
    csvFields(text).map((field) => {
      const { key, value } = cutKeyValue(field);
      if (value === undefined) throw invalid(`${option}: invalid value ${field}`);
      if (!known.includes(key))
        throw invalid(`${option}: the option ${key} is not known to this engine; there are ${known.join(', ')}`);
      return [key, value];
    }),
  );
}

function needed(option: string, fields: Fields, name: string): string {
  const value = fields.get(name);
  if (value === undefined || value === '') throw invalid(`${option} type=${fields.get('type')}: ${name} is needed`);
  return value;
}

function truth(fields: Fields, name: string): boolean {
  const value = fields.get(name) ?? 'false';
  if (value !== 'true' && value !== 'false') throw invalid(`--cache-to: ${name} is true or false`);
  return value === 'true';
}

const unknownType = (option: string, type: string | undefined, known: string) =>
  invalid(`${option}: unknown type ${JSON.stringify(type ?? '')}: there are ${known}`);
