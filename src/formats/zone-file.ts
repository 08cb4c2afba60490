/** A span of local time as a zone's file knows it. `offset` is in seconds east of UTC. */
export interface ZoneType {
  readonly offset: number;
  readonly abbreviation: string;
}

/** What a time zone's file says: from which second on (Unix time) which type holds, and the two that hold after the last. */
export interface ZoneFile {
  /** The type before the first change. */
  readonly first: ZoneType;
  readonly changes: readonly { readonly from: number; readonly type: ZoneType }[];
  readonly afterwards: readonly ZoneType[];
}

const headerLength = 44;

/**
 * Reads the Time Zone Information Format, all versions (RFC 8536, section 3). Of the rule for the time after the last
 * change only the abbreviations and their offsets are taken, which is what tells them apart.
 * @returns undefined when these bytes are no such file, or end too early.
 */
export function parseZoneFile(bytes: Buffer): ZoneFile | undefined {
  try {
    const version1 = readCounts(bytes, 0);
    if (!version1) return undefined;
    if (version1.version === 0) return readBlock(bytes, headerLength, version1, 4).zone;
    const at = headerLength + blockLength(version1, 4);
    const counts = readCounts(bytes, at);
    if (!counts) return undefined;
    const { zone, end } = readBlock(bytes, at + headerLength, counts, 8);
    return { ...zone, afterwards: parseRule(bytes.toString('latin1', end).split('\n')[1] ?? '') };
  } catch (error) {
    if (error instanceof RangeError) return undefined; // shorter than its own counts say
    throw error;
  }
}

/** The abbreviation that holds at a second of Unix time. @param offset seconds east of UTC then, which decides after the file's last change. */
export function zoneAbbreviation(zone: ZoneFile, time: number, offset: number): string {
  const last = zone.changes.at(-1);
  const afterwards = zone.afterwards.find((type) => type.offset === offset);
  if (afterwards && (!last || time >= last.from)) return afterwards.abbreviation;
  return (zone.changes.findLast(({ from }) => from <= time)?.type ?? zone.first).abbreviation;
}

interface Counts {
  readonly version: number;
  readonly universal: number;
  readonly standard: number;
  readonly leaps: number;
  readonly times: number;
  readonly types: number;
  readonly characters: number;
}

function readCounts(bytes: Buffer, at: number): Counts | undefined {
  if (bytes.toString('latin1', at, at + 4) !== 'TZif') return undefined;
  const count = (index: number) => bytes.readUInt32BE(at + 20 + 4 * index);
  return {
    version: bytes.readUInt8(at + 4),
    universal: count(0),
    standard: count(1),
    leaps: count(2),
    times: count(3),
    types: count(4),
    characters: count(5),
  };
}

const blockLength = ({ universal, standard, leaps, times, types, characters }: Counts, width: number): number =>
  times * (width + 1) + types * 6 + characters + leaps * (width + 4) + standard + universal;

function readBlock(bytes: Buffer, start: number, counts: Counts, width: 4 | 8): { zone: ZoneFile; end: number } {
  const indexes = start + counts.times * width;
  const types = indexes + counts.times;
  const names = types + counts.types * 6;
  const typeAt = (index: number): ZoneType => {
    const name = names + bytes.readUInt8(types + index * 6 + 5);
    return {
      offset: bytes.readInt32BE(types + index * 6),
      abbreviation: bytes.toString('latin1', name, bytes.indexOf(0, name)),
    };
  };
  const timeAt = (index: number): number =>
    width === 4 ? bytes.readInt32BE(start + index * 4) : Number(bytes.readBigInt64BE(start + index * 8));
  const changes = Array.from({ length: counts.times }, (_, index) => ({
    from: timeAt(index),
    type: typeAt(bytes.readUInt8(indexes + index)),
  }));
  return { zone: { first: typeAt(0), changes, afterwards: [] }, end: start + blockLength(counts, width) };
}

/** The names and offsets of `CET-1CEST,M3.5.0,M10.5.0/3`: hours west of UTC, summer time an hour more unless it says so (POSIX, TZ). */
function parseRule(rule: string): ZoneType[] {
  const [, standard, west, summer, summerWest] =
    /^(<[^>]+>|[A-Za-z]+)([-+]?[\d:]+)(?:(<[^>]+>|[A-Za-z]+)([-+]?[\d:]+)?)?/.exec(rule) ?? [];
  if (!standard || !west) return [];
  const type = (name: string, offset: number): ZoneType => ({ abbreviation: name.replace(/[<>]/g, ''), offset });
  const offset = -secondsOf(west);
  const summerOffset = summerWest ? -secondsOf(summerWest) : offset + 3600;
  return [type(standard, offset), ...(summer ? [type(summer, summerOffset)] : [])];
}

function secondsOf(clock: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = clock.replace(/^[-+]/, '').split(':').map(Number);
  return (clock.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
}
