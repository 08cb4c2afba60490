import * as path from 'node:path';
import { invalid } from '../base/errors.ts';

/** One `-v`, or one element of HostConfig.Binds. */
export interface VolumeSpec {
  /** `bind` when the source is a path; a volume without a source is anonymous. */
  readonly type: 'bind' | 'volume';
  readonly source: string | undefined;
  /** Absolute and cleaned. */
  readonly target: string;
  /** The options as written, as inspect's `Mounts[].Mode` shows them. */
  readonly mode: string;
  readonly readOnly: boolean;
  readonly propagation: Propagation | undefined;
  /** SELinux relabelling: `z` shared, `Z` private. */
  readonly relabel: 'z' | 'Z' | undefined;
  /** Do not fill a new volume with what the image has at the target. */
  readonly noCopy: boolean;
}

export const propagations = ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'] as const;
export type Propagation = (typeof propagations)[number];

/** Options of which at most one each may be given. */
const optionGroups: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['z', 'Z'],
  propagations,
  ['nocopy'],
  ['consistent', 'cached', 'delegated', 'default'],
];
/** What a folder can be called (NAME_MAX). */
const longestName = 255;
const volumeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/**
 * Parses `[source:]target[:options]`. A source that is no absolute path is a volume's name; a client turns
 * `./x` into an absolute path before.
 * @throws invalid in Docker's words: `invalid volume specification: 'x'`, `invalid mode: x`, with the reason after it.
 */
export function parseVolumeSpec(text: string): VolumeSpec {
  const parts = text.split(':');
  const [first = '', second] = parts;
  const modeForTarget = parts.length === 2 && second !== '' && isMode(second ?? '');
  if (first === '' || second === '' || parts.length > 3 || modeForTarget) throw bad(text);
  const source = second === undefined ? undefined : first;
  const mode = parts[2] ?? '';
  if (!isMode(mode)) throw invalid(`invalid mode: ${mode}`, { code: 'invalid-volume' });
  const type = source?.startsWith('/') ? 'bind' : 'volume';
  const options = mode.split(',');
  const spec: VolumeSpec = {
    type,
    source: type === 'bind' && source !== undefined ? cleanPath(source) : source,
    target: checkedTarget(second ?? first, type, text),
    mode,
    readOnly: options.includes('ro'),
    propagation: propagations.find((option) => options.includes(option)),
    relabel: options.includes('z') ? 'z' : options.includes('Z') ? 'Z' : undefined,
    noCopy: options.includes('nocopy'),
  };
  checkOptions(spec, text);
  return spec;
}

/** A spec back in the notation of Binds. */
export function formatVolumeSpec({ source, target, mode }: VolumeSpec): string {
  return [source, target, mode].filter((part) => part !== undefined && part !== '').join(':');
}

/** @throws invalid in Docker's words for what cannot be a volume's name. */
export function checkVolumeName(name: string): void {
  if (name.length > longestName)
    throw invalid(
      `create ${name.slice(0, 32)}...: volume name is too long, names have at most ${longestName} characters`,
    );
  if (volumeName.test(name)) return;
  if (name.length === 1) {
    throw invalid('volume name is too short, names should be at least two alphanumeric characters');
  }
  throw invalid(
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" ` +
      'are allowed. If you intended to pass a host directory, use absolute path',
    { code: 'invalid-volume' },
  );
}

function isMode(mode: string): boolean {
  if (mode === '') return true;
  const options = mode.split(',');
  const known = options.every((option) => optionGroups.some((group) => group.includes(option)));
  return known && optionGroups.every((group) => options.filter((option) => group.includes(option)).length <= 1);
}

function checkedTarget(target: string, type: VolumeSpec['type'], text: string): string {
  const reason = !target.startsWith('/')
    ? `invalid mount path: '${target}' mount path must be absolute`
    : cleanPath(target) === '/'
      ? "invalid specification: destination can't be '/'"
      : undefined;
  if (reason !== undefined) throw bad(text, type, reason);
  return cleanPath(target);
}

function checkOptions({ type, source, propagation, noCopy }: VolumeSpec, text: string): void {
  if (type === 'volume' && propagation !== undefined) {
    throw bad(text, type, 'field BindOptions must not be specified');
  }
  if (type === 'bind' && noCopy) throw bad(text, type, 'field VolumeOptions must not be specified');
  if (source?.includes('\0')) throw bad(text);
}

/** Without `.`, `..`, doubled and trailing slashes. */
function cleanPath(text: string): string {
  const normal = path.posix.normalize(text);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function bad(text: string, type?: VolumeSpec['type'], reason?: string) {
  const why = reason === undefined ? '' : `: invalid mount config for type "${type}": ${reason}`;
  return invalid(`invalid volume specification: '${text}'${why}`, { code: 'invalid-volume' });
}
