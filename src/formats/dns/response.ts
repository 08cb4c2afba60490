import {
  classes,
  flags,
  HEADER_BYTES,
  OPCODE_MASK,
  plainUdpBytes,
  RESPONSE_CODE_MASK,
  recordTypes,
} from './numbers.ts';
import type { DnsQuery } from './query.ts';

/** A record about the very name that was asked for. */
export interface AnswerRecord {
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Buffer;
}

/** The name of the question, which lies right behind the header, by a pointer to it (RFC 1035, 4.1.4). */
const questionName = 0xc000 | HEADER_BYTES;
/** What the server says it takes itself, as the flag day of 2020 asks for. */
const ownUdpBytes = 1232;

/** How many bytes a client that asked over UDP takes (RFC 6891, 6.2.3). */
export const udpLimit = (query: DnsQuery): number => Math.max(query.edns?.udpBytes ?? 0, plainUdpBytes);

/**
 * An answer to a query of at most `limit` bytes. Records that find no room are left out, which the flag TC tells.
 * A `code` over 15 needs a client that speaks EDNS.
 */
export function writeResponse(
  query: DnsQuery,
  answer: { code: number; records: readonly AnswerRecord[]; truncated?: boolean },
  limit: number,
): Buffer {
  const { code, records } = answer;
  const { question, edns } = query;
  const tail = edns ? OPT_BYTES : 0;
  let end = HEADER_BYTES + question.length;
  let count = 0;
  for (const { data } of records) {
    const next = end + RECORD_BYTES + data.length;
    if (next + tail > limit) break;
    end = next;
    count += 1;
  }
  const bytes = Buffer.allocUnsafe(end + tail);
  const truncated = answer.truncated === true || count < records.length;
  bytes.writeUInt16BE(query.id, 0);
  bytes.writeUInt16BE(
    flags.response |
      flags.recursionAvailable |
      (query.recursionDesired ? flags.recursionDesired : 0) |
      (truncated ? flags.truncated : 0) |
      (code & RESPONSE_CODE_MASK),
    2,
  );
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(count, 6);
  bytes.writeUInt16BE(0, 8);
  bytes.writeUInt16BE(edns ? 1 : 0, 10);
  question.copy(bytes, HEADER_BYTES);
  let at = HEADER_BYTES + question.length;
  for (const record of records.slice(0, count)) at = writeRecord(bytes, at, record);
  if (edns) writeOpt(bytes, at, code);
  return bytes;
}

const RECORD_BYTES = 12;
const OPT_BYTES = 11;

/** Returns where it ends. */
function writeRecord(bytes: Buffer, at: number, { type, ttl, data }: AnswerRecord): number {
  bytes.writeUInt16BE(questionName, at);
  bytes.writeUInt16BE(type, at + 2);
  bytes.writeUInt16BE(classes.IN, at + 4);
  bytes.writeUInt32BE(ttl, at + 6);
  bytes.writeUInt16BE(data.length, at + 10);
  data.copy(bytes, at + RECORD_BYTES);
  return at + RECORD_BYTES + data.length;
}

/** An OPT record: the root's name, what the server takes, the upper bits of the code, version 0, no options. */
function writeOpt(bytes: Buffer, at: number, code: number): void {
  bytes.fill(0, at, at + OPT_BYTES);
  bytes.writeUInt16BE(recordTypes.OPT, at + 1);
  bytes.writeUInt16BE(ownUdpBytes, at + 3);
  bytes[at + 5] = code >> 4;
}

/** A refusal of a packet that has at least a header: nothing but its id, its kind and the code. */
export function writeRefusal(packet: Buffer, code: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  packet.copy(header, 0, 0, 2);
  const kept = packet.readUInt16BE(2) & (OPCODE_MASK | flags.recursionDesired);
  header.writeUInt16BE(flags.response | flags.recursionAvailable | kept | code, 2);
  return header;
}

/**
 * Whether a packet answers a query that was sent with the id `id`: the same question, in whatever case, or none
 * with a code that says it was not understood.
 */
export function answers(packet: Buffer, query: DnsQuery, id: number): boolean {
  if (packet.length < HEADER_BYTES || packet.readUInt16BE(0) !== id) return false;
  if (!(packet.readUInt16BE(2) & flags.response)) return false;
  if (packet.readUInt16BE(4) === 0) return codeOf(packet) !== 0;
  const { question } = query;
  const asked = packet.subarray(HEADER_BYTES, HEADER_BYTES + question.length);
  if (asked.length !== question.length || !asked.subarray(-4).equals(question.subarray(-4))) return false;
  return lowerName(asked) === lowerName(question);
}

/** The code of an answer, without the upper bits that EDNS adds. */
export const codeOf = (answer: Buffer): number => answer.readUInt16BE(2) & RESPONSE_CODE_MASK;

/** A question without its type and class. Lengths of labels are below 64 and no letters, so all of it may be folded. */
const lowerName = (question: Buffer): string => question.toString('latin1', 0, question.length - 4).toLowerCase();
