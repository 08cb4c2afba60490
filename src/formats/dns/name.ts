import { textOfBytes } from '../ip-address.ts';

const LONGEST_NAME = 255;
const POINTER = 0xc0;

/** A name as it lies in a message, uncompressed. */
export interface WireName {
  /** In lower case, without a dot at the end; undefined for one that no host has: bytes beyond ASCII's visible ones, or dots within a label. */
  readonly text: string | undefined;
  /** Where what follows it begins. */
  readonly end: number;
}

/** Reads a name that must not be compressed, as in a question. Undefined when it is malformed or longer than a name may be. */
export function readName(packet: Buffer, start: number): WireName | undefined {
  let text: string | undefined = '';
  let at = start;
  for (;;) {
    const length = packet[at];
    if (length === undefined || length >= 64) return undefined;
    const next = at + 1 + length;
    if (next > packet.length || next - start > LONGEST_NAME) return undefined;
    if (length === 0) return { text, end: next };
    const label: string | undefined = text === undefined ? undefined : readLabel(packet, at + 1, next);
    text = label === undefined ? undefined : text === '' ? label : `${text}.${label}`;
    at = next;
  }
}

function readLabel(packet: Buffer, start: number, end: number): string | undefined {
  for (let at = start; at < end; at += 1) {
    const byte = packet[at] ?? 0;
    if (byte <= 0x20 || byte >= 0x7f || byte === 0x2e) return undefined;
  }
  return packet.toString('latin1', start, end).toLowerCase();
}

/** Where a name of any form ends; undefined when it is malformed. A pointer ends it, and is not followed. */
export function skipName(packet: Buffer, start: number): number | undefined {
  for (let at = start; ; ) {
    const length = packet[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if ((length & POINTER) === POINTER) return at + 2 <= packet.length ? at + 2 : undefined;
    if (length >= 64) return undefined;
    at += 1 + length;
    if (at - start > LONGEST_NAME) return undefined;
  }
}

/** `web.front` as it lies in a message; undefined for what is no name: an empty label, one over 63 bytes, more than 255 in all. */
export function writeName(name: string): Buffer | undefined {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  if (labels.some(({ length }) => length === 0 || length > 63)) return undefined;
  const bytes = Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
  return bytes.length > LONGEST_NAME ? undefined : bytes;
}

/**
 * The address that a name of the reverse zones stands for: `2.0.18.172.in-addr.arpa`, or 32 digits below `ip6.arpa`
 * (RFC 3596, 2.5), which gives the form of RFC 5952. Undefined for any other name.
 */
export function addressOfReverseName(name: string): string | undefined {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (v4) {
    const parts = v4.slice(1).reverse().map(Number);
    return parts.every((part) => part <= 255) ? parts.join('.') : undefined;
  }
  if (!/^([0-9a-f]\.){32}ip6\.arpa$/.test(name)) return undefined;
  const digits = name.slice(0, 64).split('.').reverse().join('');
  return textOfBytes(Buffer.from(digits, 'hex'));
}
