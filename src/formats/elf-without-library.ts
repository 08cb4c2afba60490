/**
 * An ELF program that does without one of its libraries (elf(5)): another one is named in its place, and what it took
 * from it has no address. For a library that is needed for a feature which is not used: loading it, with all that it
 * needs itself, costs each process time and memory. Calling what is missing ends the program.
 */

const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const DT_NEEDED = 1;
const DT_VERNEED = 0x6ffffffe;
const DT_VERNEEDNUM = 0x6fffffff;
const VER_NDX_GLOBAL = 1;
const STB_WEAK = 2;
const symbolSize = 24;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

interface Tables {
  readonly dynamic: Section;
  readonly symbols: Section;
  readonly versions: Section;
  readonly needs: Section;
  /** Where the names begin. */
  readonly names: number;
}

/**
 * A changed copy of a program of 64 bits, little-endian, as long as the program itself. Undefined where it does not need
 * the library, needs no other, or where its symbols cannot be told apart: without section headers or versions. Reads
 * nothing beyond the file, and throws nothing, whatever it is given.
 */
export function withoutLibrary(program: Buffer, library: string): Buffer | undefined {
  const copy = Buffer.from(program);
  try {
    const tables = findTables(copy);
    return tables && leaveOut(copy, tables, library) ? copy : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // tables that point out of the file
    throw error;
  }
}

function findTables(bytes: Buffer): Tables | undefined {
  const isElf = bytes.length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
  const sections = isElf ? readSections(bytes) : [];
  const [dynamic, symbols, versions, needs] = [SHT_DYNAMIC, SHT_DYNSYM, SHT_GNU_VERSYM, SHT_GNU_VERNEED].map((type) =>
    sections.find((section) => section.type === type),
  );
  const names = sections[dynamic?.link ?? -1]?.offset;
  if (!dynamic || !symbols || !versions || !needs || names === undefined) return undefined;
  return { dynamic, symbols, versions, needs, names };
}

function readSections(bytes: Buffer): Section[] {
  const [table, size, count] = [long(bytes, 40), bytes.readUInt16LE(58), bytes.readUInt16LE(60)];
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * size;
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: long(bytes, at + 24),
      size: long(bytes, at + 32),
      link: bytes.readUInt32LE(at + 40),
    };
  });
}

/** Changes the program in place. False, with some of it changed, where that cannot be done. */
function leaveOut(bytes: Buffer, { dynamic, symbols, versions, needs, names }: Tables, library: string): boolean {
  const nameAt = (offset: number): string => {
    const end = bytes.indexOf(0, names + offset);
    return bytes.toString('latin1', names + offset, end < 0 ? bytes.length : end);
  };
  const entries: Entry[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16)
    entries.push({ tag: long(bytes, at), value: long(bytes, at + 8), at: at + 8 });
  const needed = entries.filter(({ tag }) => tag === DT_NEEDED);
  const left = needed.find(({ value }) => nameAt(value) === library);
  const other = needed.find(({ value }) => nameAt(value) !== library);
  if (!left || !other) return false;
  bytes.writeBigUInt64LE(BigInt(other.value), left.at);
  const numbers = dropVersions(bytes, needs, entries, (name) => nameAt(name) === library);
  for (let index = 0; index < versions.size / 2; index += 1) {
    const version = versions.offset + index * 2;
    if (!numbers.has(bytes.readUInt16LE(version) & 0x7fff)) continue;
    bytes.writeUInt16LE(VER_NDX_GLOBAL, version);
    const info = symbols.offset + index * symbolSize + 4;
    bytes.writeUInt8((STB_WEAK << 4) | (bytes.readUInt8(info) & 0xf), info);
  }
  return numbers.size > 0;
}

/** An entry of the dynamic section, and where its value is. */
interface Entry {
  readonly tag: number;
  readonly value: number;
  readonly at: number;
}

/** Takes the versions of a library out of the list of those that are needed. Returns their numbers; none where it cannot. */
function dropVersions(
  bytes: Buffer,
  needs: Section,
  entries: readonly Entry[],
  isLibrary: (name: number) => boolean,
): ReadonlySet<number> {
  const numbers = new Set<number>();
  const first = entries.find(({ tag }) => tag === DT_VERNEED);
  const count = entries.find(({ tag }) => tag === DT_VERNEEDNUM);
  if (!first || !count || count.value < 2) return numbers;
  for (let at = needs.offset, before = -1, next = 1; next !== 0; before = at, at += next) {
    next = bytes.readUInt32LE(at + 12);
    if (!isLibrary(bytes.readUInt32LE(at + 4))) continue;
    for (let left = bytes.readUInt16LE(at + 2), entry = at + bytes.readUInt32LE(at + 8); left > 0; left -= 1) {
      numbers.add(bytes.readUInt16LE(entry + 6));
      entry += bytes.readUInt32LE(entry + 12);
    }
    if (before < 0) bytes.writeBigUInt64LE(BigInt(first.value + next), first.at);
    else bytes.writeUInt32LE(next === 0 ? 0 : at - before + next, before + 12);
    bytes.writeBigUInt64LE(BigInt(count.value - 1), count.at);
    break;
  }
  return numbers;
}

const long = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));
