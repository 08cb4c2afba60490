import { invalid } from '../base/errors.ts';

/** IPv4 and IPv6 alike: an address is its number and its family. */
export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A subnet: its first address, and how many bits of it are fixed. */
export interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly prefix: number;
}

export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);
const sizeOf = ({ family, prefix }: Pick<Range, 'family' | 'prefix'>): bigint => 1n << BigInt(bitsOf(family) - prefix);

/** `172.17.0.5` or `fd00::5`, or undefined if it is neither. A zone (`%eth0`) is none. */
export function parseAddress(text: string): Address | undefined {
  const value = text.includes(':') ? parseV6(text) : parseV4(text);
  return value === undefined ? undefined : { family: text.includes(':') ? 6 : 4, value };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255))
    return undefined;
  return parts.reduce((value, part) => value * 256n + BigInt(part), 0n);
}

/** RFC 4291, 2.2: eight groups, one run of zeros as `::`, the last two groups as IPv4 if one likes. */
function parseV6(text: string): bigint | undefined {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted?.[2] === undefined ? undefined : parseV4(dotted[2]);
  if (dotted && tail === undefined) return undefined;
  const plain =
    dotted && tail !== undefined ? `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}` : text;
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...new Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...right];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** The text that RFC 5952 recommends. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?<![0-9a-f])0(:0)+(?![0-9a-f])/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const at = text.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

/** `172.17.0.1/16` as the address it names and the subnet that is in; undefined for what is none. */
export function readCidr(text: string): { address: Address; range: Range } | undefined {
  const [ip = '', length = '', more] = text.split('/');
  const address = parseAddress(ip);
  const prefix = Number(length);
  if (!address || more !== undefined || !/^(0|[1-9]\d{0,2})$/.test(length) || prefix > bitsOf(address.family))
    return undefined;
  const { family } = address;
  return { address, range: { family, prefix, first: address.value - (address.value % sizeOf({ family, prefix })) } };
}

/** As `readCidr`. @throws invalid in Docker's words. */
export function parseRange(text: string): Range {
  const read = readCidr(text);
  if (!read) throw invalid(`invalid CIDR address: ${text}`);
  return read.range;
}

export const formatRange = ({ family, first, prefix }: Range): string =>
  `${formatAddress({ family, value: first })}/${prefix}`;

/** The last address; of IPv4 it is the broadcast address. */
export const lastOf = (range: Range): bigint => range.first + sizeOf(range) - 1n;

export const countOf = (range: Range): bigint => sizeOf(range);

export const overlaps = (a: Range, b: Range): boolean =>
  a.family === b.family && a.first <= lastOf(b) && b.first <= lastOf(a);

export const contains = (range: Range, { family, value }: Address): boolean =>
  family === range.family && value >= range.first && value <= lastOf(range);

/** Whether all of `inner` lies in `outer`. */
export const covers = (outer: Range, inner: Range): boolean =>
  outer.family === inner.family && outer.first <= inner.first && lastOf(outer) >= lastOf(inner);

/** The MAC address that belongs to an IPv4 address: locally administered `02:42`, then its four bytes. */
export function macOf(ip: string): string {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}

/** The bytes of an address, most significant first. @throws invalid for what is none. */
export function addressBytes(text: string): Buffer {
  const address = parseAddress(text);
  if (!address) throw invalid(`invalid IP address: ${text}`);
  const bits = bitsOf(address.family);
  return Buffer.from(address.value.toString(16).padStart(bits / 4, '0'), 'hex');
}

/** The text of an address in a packet or a message of the kernel. */
export const textOfBytes = (bytes: Uint8Array): string =>
  formatAddress({ family: bytes.length === 4 ? 4 : 6, value: BigInt(`0x${Buffer.from(bytes).toString('hex')}`) });
