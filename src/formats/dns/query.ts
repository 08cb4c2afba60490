import { readName, skipName } from './name.ts';
import { flags, HEADER_BYTES, OPCODE_MASK, recordTypes, responseCodes } from './numbers.ts';

/** A question as a client sent it (RFC 1035, RFC 6891). */
export interface DnsQuery {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** In lower case, without a dot at the end; undefined for one that no host can have. */
  readonly name: string | undefined;
  readonly type: number;
  readonly class: number;
  /** The question's bytes, to be echoed as they came. They lie in the packet. */
  readonly question: Buffer;
  readonly edns: Edns | undefined;
}

export interface Edns {
  /** What the client takes over UDP. */
  readonly udpBytes: number;
  readonly version: number;
}

/** What a packet turned out to be: a query, one to be refused with a code, or something that deserves no answer. */
export type ReadQuery =
  | { readonly kind: 'query'; readonly query: DnsQuery }
  | { readonly kind: 'refuse'; readonly code: number }
  | { readonly kind: 'ignore' };

const ignore: ReadQuery = { kind: 'ignore' };
const malformed: ReadQuery = { kind: 'refuse', code: responseCodes.malformed };

/**
 * Reads a packet that claims to be a query. Never throws, whatever the bytes are. Answers and packets without a
 * header are to be ignored, since two servers that answered each other's faults would never stop.
 */
export function readQuery(packet: Buffer): ReadQuery {
  if (packet.length < HEADER_BYTES) return ignore;
  const flagBits = packet.readUInt16BE(2);
  if (flagBits & flags.response) return ignore;
  if (flagBits & OPCODE_MASK) return { kind: 'refuse', code: responseCodes.notImplemented };
  if (packet.readUInt16BE(4) !== 1) return malformed;
  const name = readName(packet, HEADER_BYTES);
  if (!name || name.end + 4 > packet.length) return malformed;
  const extensions = readExtensions(packet, name.end + 4);
  if (!extensions) return malformed;
  return {
    kind: 'query',
    query: {
      id: packet.readUInt16BE(0),
      recursionDesired: (flagBits & flags.recursionDesired) !== 0,
      name: name.text,
      type: packet.readUInt16BE(name.end),
      class: packet.readUInt16BE(name.end + 2),
      question: packet.subarray(HEADER_BYTES, name.end + 4),
      edns: extensions.edns,
    },
  };
}

/** Goes through the sections after the question; undefined when they are malformed, or hold two OPT records. */
function readExtensions(packet: Buffer, start: number): { edns: Edns | undefined } | undefined {
  const records = packet.readUInt16BE(6) + packet.readUInt16BE(8) + packet.readUInt16BE(10);
  let edns: Edns | undefined;
  let at = start;
  for (let record = 0; record < records; record += 1) {
    const fields = skipName(packet, at);
    if (fields === undefined || fields + 10 > packet.length) return undefined;
    if (packet.readUInt16BE(fields) === recordTypes.OPT) {
      if (edns) return undefined;
      edns = { udpBytes: packet.readUInt16BE(fields + 2), version: packet[fields + 5] ?? 0 };
    }
    at = fields + 10 + packet.readUInt16BE(fields + 8);
    if (at > packet.length) return undefined;
  }
  return { edns };
}
