/** What decides whether a program can be run: for which machine it is, and what it needs (elf(5)). */
export interface ElfProgram {
  /** `e_machine` as Docker names architectures, or `machine N`. */
  readonly architecture: string;
  /** The dynamic loader (PT_INTERP); undefined for what is linked statically, and for libraries. */
  readonly interpreter: string | undefined;
  /** Libraries (DT_NEEDED). */
  readonly needed: readonly string[];
  /** Where they are looked for (DT_RUNPATH, DT_RPATH), with `$ORIGIN` unresolved. */
  readonly runPath: readonly string[];
}

/** Gives `length` bytes at `offset` of the file, fewer at its end. */
export type ReadAt = (offset: number, length: number) => Buffer;

const architectures: Readonly<Record<number, string>> = {
  3: '386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'amd64',
  183: 'arm64',
  243: 'riscv64',
  258: 'loong64',
};

/** Tables of a damaged file are not read beyond this. */
const mostEntries = 4096;
const mostText = 4096;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_RUNPATH = 29;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Reads an ELF file's head and tables, nothing else of it. Undefined for what is none, or is damaged. */
export function readElf(read: ReadAt): ElfProgram | undefined {
  const head = read(0, 64);
  if (head.length < 52 || head.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const wide = head[4] === 2;
  if (wide && head.length < 64) return undefined;
  const numbers = numbersOf(head[5] === 2, wide);
  const machine = numbers.half(head, 18);
  const architecture = architectures[machine] ?? `machine ${machine}`;
  const segments = readSegments(read, head, numbers, wide);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  return {
    architecture,
    interpreter: interpreter && textAt(read(interpreter.offset, Math.min(interpreter.size, mostText)), 0),
    ...readDynamic(read, segments, numbers, wide),
  };
}

type Numbers = ReturnType<typeof numbersOf>;

function numbersOf(bigEndian: boolean, wide: boolean) {
  const half = (bytes: Buffer, at: number): number => (bigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));
  const word = (bytes: Buffer, at: number): number => (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at));
  const long = (bytes: Buffer, at: number): number =>
    wide ? Number(bigEndian ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at)) : word(bytes, at);
  return { half, word, long };
}

function readSegments(read: ReadAt, head: Buffer, { half, word, long }: Numbers, wide: boolean): Segment[] {
  const table = long(head, wide ? 32 : 28);
  const size = half(head, wide ? 54 : 42);
  const count = half(head, wide ? 56 : 44);
  if (size < (wide ? 56 : 32) || count > mostEntries) return [];
  const bytes = read(table, size * count);
  const [offset, address, length] = wide ? [8, 16, 32] : [4, 8, 16];
  const segments: Segment[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) {
    const place = { offset: long(bytes, at + offset), address: long(bytes, at + address) };
    segments.push({ type: word(bytes, at), ...place, size: long(bytes, at + length) });
  }
  return segments;
}

function readDynamic(read: ReadAt, segments: readonly Segment[], { long }: Numbers, wide: boolean) {
  const none = { needed: [], runPath: [] };
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic) return none;
  const width = wide ? 8 : 4;
  const bytes = read(dynamic.offset, Math.min(dynamic.size, mostEntries * 2 * width));
  const entries: { tag: number; value: number }[] = [];
  for (let at = 0; at + 2 * width <= bytes.length; at += 2 * width) {
    entries.push({ tag: long(bytes, at), value: long(bytes, at + width) });
  }
  const strings = entries.find(({ tag }) => tag === DT_STRTAB)?.value;
  const segment = segments.find(
    ({ type, address, size }) =>
      type === PT_LOAD && strings !== undefined && strings >= address && strings < address + size,
  );
  if (strings === undefined || !segment) return none;
  const table = strings - segment.address + segment.offset;
  const texts = (...tags: number[]): string[] =>
    entries.filter(({ tag }) => tags.includes(tag)).map(({ value }) => textAt(read(table + value, mostText), 0));
  const paths = texts(DT_RUNPATH, DT_RPATH).flatMap((text) => text.split(':'));
  return { needed: texts(DT_NEEDED), runPath: paths.filter((path) => path !== '') };
}

function textAt(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end < 0 ? bytes.length : end);
}
