import { invalid, unsupported } from '../base/errors.ts';
import { cutKeyValue } from './key-value.ts';

/** What a statement of an image's origin is to tell. */
export interface ProvenanceOptions {
  /** `min` leaves out build arguments, labels, the names of secrets and agents, and the Dockerfile. */
  readonly mode: 'min' | 'max';
  readonly version: 'v0.2' | 'v1';
  /** Who built, a URI; empty where nobody says. */
  readonly builderId: string;
  readonly reproducible: boolean;
}

const keys = new Set(['type', 'mode', 'version', 'builder-id', 'reproducible', 'disabled']);

/**
 * Reads `--attest` as buildx writes it (`type=provenance,mode=max`), several of which may be given: the last of a type
 * counts. Undefined where no statement is asked for. @throws invalid for a malformed one, unsupported for a list of packages.
 */
export function parseAttest(texts: readonly string[]): ProvenanceOptions | undefined {
  const given = new Map<string, ProvenanceOptions | undefined>();
  for (const text of texts) {
    const fields = fieldsOf(text);
    const type = fields.get('type');
    if (type === undefined) throw invalid(`attestation type not specified: ${text}`);
    if (type !== 'provenance' && type !== 'sbom') throw invalid(`unknown attestation type ${JSON.stringify(type)}`);
    const disabled = flag(fields, 'disabled');
    if (type === 'sbom' && !disabled)
      throw unsupported(
        'sbom: this engine looks for no packages in an image: a scanner can be run on it (tug save); only false is taken',
      );
    given.set(type, disabled ? undefined : optionsOf(fields));
  }
  return given.get('provenance');
}

/** `--provenance` and `--sbom` as the `--attest` that they stand for: a truth value or that one's options. */
export function attestOf(type: 'provenance' | 'sbom', value: string): string {
  if (isTrue(value)) return `type=${type}`;
  return isFalse(value) ? `type=${type},disabled=true` : `type=${type},${value}`;
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const { key, value } = cutKeyValue(field);
    if (value === undefined) throw invalid(`invalid value ${field}`);
    if (!keys.has(key))
      throw invalid(`attestation: the option ${key} is not known to this engine; there are ${[...keys].join(', ')}`);
    fields.set(key, value);
  }
  return fields;
}

function optionsOf(fields: ReadonlyMap<string, string>): ProvenanceOptions {
  const mode = fields.get('mode') ?? 'min';
  const version = fields.get('version') ?? 'v0.2';
  if (mode !== 'min' && mode !== 'max') throw invalid(`provenance: invalid mode ${JSON.stringify(mode)}: min or max`);
  if (version !== 'v0.2' && version !== 'v1')
    throw invalid(`provenance: invalid version ${JSON.stringify(version)}: v0.2 or v1`);
  return { mode, version, builderId: fields.get('builder-id') ?? '', reproducible: flag(fields, 'reproducible') };
}

function flag(fields: ReadonlyMap<string, string>, name: string): boolean {
  const value = fields.get(name) ?? 'false';
  if (isTrue(value)) return true;
  if (isFalse(value)) return false;
  throw invalid(`attestation: ${name} is true or false, not ${JSON.stringify(value)}`);
}

const isTrue = (text: string): boolean => /^(1|t|true)$/i.test(text);
const isFalse = (text: string): boolean => /^(0|f|false)$/i.test(text);
