import { invalid } from '../base/errors.ts';

/**
 * The files of a build context, a line of JSON each, names as bytes in latin1 text, folders before what is in them. The
 * engine says by number, from 0, whose contents it has not got (`formatWanted`), and is sent them in that order, each
 * after its length in eight bytes (big endian).
 */
export interface ListedFile {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'fifo' | 'character-device' | 'block-device' | 'hard-link';
  readonly mode: number;
  /** Unix seconds. */
  readonly mtime: number;
  /** Bytes; of a device its number. */
  readonly size: number;
  /** Changes whenever the content may have: inode, times to the nanosecond. */
  readonly mark: string;
  /** Of a link. */
  readonly target: string;
}

const kinds: readonly ListedFile['kind'][] = [
  ...(['file', 'directory', 'symlink', 'fifo', 'character-device', 'block-device', 'hard-link'] as const),
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
