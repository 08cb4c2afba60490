import { invalid } from '../base/errors.ts';

/**
 * How a folder of a client is asked for. The engine says what it needs (`formatNeeds`): paths of which all that lies at
 * and below them is meant, or of folders the names alone, a line each, and an empty line. The client answers with a line
 * that names the folder among those of all hosts, then with the files, a line of JSON each, folders before what is in
 * them: the folders and links on the way to each path, and what lies there; at a link, or at what is missing, the way
 * ends. An empty line ends the list. The engine then says by number, from 0, whose contents it has not got
 * (`formatWanted`), and is sent them in that order, each after its length in eight bytes (big endian). Names are bytes,
 * in latin1 text.
 */
export interface ListedFile {
  readonly name: string;
  readonly kind: ListedKind;
  readonly mode: number;
  /** Unix seconds. */
  readonly mtime: number;
  /** Bytes; of a device its number. */
  readonly size: number;
  /** Changes whenever the content may have: inode, times to the nanosecond. Empty where the content is not to be had. */
  readonly mark: string;
  /** Of a symbolic link where it leads; of a file that has several names what they have in common. */
  readonly target: string;
}

export type ListedKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'character-device' | 'block-device';

/** A path that is needed: with all that is below it, or of a folder the names of what is in it. */
export interface NeededPath {
  /** Relative, without `.` and `..`; empty for the folder itself. */
  readonly path: string;
  readonly deep: boolean;
}

export const formatNeeds = (needs: readonly NeededPath[]): Buffer =>
  Buffer.from(`${needs.map(({ path, deep }) => `${JSON.stringify([path, deep ? 1 : 0])}\n`).join('')}\n`);

/** Reads a line of it, the empty one that ends it not. @throws invalid for a path that is none, or that leads elsewhere. */
export function parseNeed(line: Buffer): NeededPath {
  const [path, deep] = parse(line.toString());
  if (typeof path !== 'string' || (path !== '' && !isCleanName(path)) || (deep !== 0 && deep !== 1))
    throw invalid('what is needed of the build context is malformed, or outside of it', { code: 'bad-needs' });
  return { path, deep: deep === 1 };
}

/** Of parts that are neither empty nor lead elsewhere. */
export const isCleanName = (name: string): boolean => !/(^|\/)\.{0,2}(\/|$)|\0/.test(name);

const kinds: readonly ListedKind[] = [
  ...(['file', 'directory', 'symlink', 'fifo', 'character-device', 'block-device'] as const),
];

export function formatListed({ name, kind, mode, mtime, size, mark, target }: ListedFile): string {
  const rest = target === '' ? '' : `,${JSON.stringify(target)}`;
  return `[${JSON.stringify(name)},${kinds.indexOf(kind)},${mode},${mtime},${size},"${mark}"${rest}]\n`;
}

/**
 * Reads whole lines of the list, many at once. `ended`: the empty line that ends it was among them.
 * @throws invalid for what `formatListed` does not write.
 */
export function parseListing(lines: Buffer): { files: ListedFile[]; ended: boolean } {
  const ended = lines.length === 1 || lines.at(-2) === lineFeed;
  const text = lines.toString('utf8', 0, Math.max(0, lines.length - (ended ? 2 : 1)));
  return { files: parse(`[${text.replaceAll('\n', ',')}]`).map(listedOf), ended };
}

const lineFeed = 10;

function listedOf(line: unknown): ListedFile {
  if (!Array.isArray(line)) throw malformed();
  const [name, kind, mode, mtime, size, mark, target = ''] = line as unknown[];
  const known = typeof kind === 'number' ? kinds[kind] : undefined;
  if (typeof name !== 'string' || known === undefined || typeof mark !== 'string' || typeof target !== 'string')
    throw malformed();
  if (!isNumber(mode) || mode > 0o7777 || !isNumber(mtime) || !isNumber(size)) throw malformed();
  return { name, kind: known, mode, mtime, size, mark, target };
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw malformed();
}

const malformed = () => invalid('the list of the build context is malformed', { code: 'bad-listing' });

/** How many are wanted, and which; four bytes each. */
export function formatWanted(wanted: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 + wanted.length * 4);
  bytes.writeUInt32BE(wanted.length, 0);
  for (const [at, number] of wanted.entries()) bytes.writeUInt32BE(number, 4 + at * 4);
  return bytes;
}
