import { textOfBytes } from '../ip-address.ts';
import { readName, skipName, writeName } from './name.ts';
import { codeOf } from './response.ts';

/** For tests: a query as a client sends it. `edns` is what it takes over UDP. */
export function buildQuery(wish: {
  id?: number;
  name: string;
  type?: number;
  edns?: number;
  version?: number;
}): Buffer {
  const { id = 1, name, type = 1, edns, version = 0 } = wish;
  const header = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns === undefined ? 0 : 1]);
  const question = Buffer.concat([writeName(name) ?? Buffer.of(0), Buffer.from([type >> 8, type & 255, 0, 1])]);
  const opt = edns === undefined ? [] : [Buffer.from([0, 0, 41, edns >> 8, edns & 255, 0, version, 0, 0, 0, 0])];
  return Buffer.concat([header, question, ...opt]);
}

/** For tests: an answer's code and records, addresses in text. */
export function readAnswer(packet: Buffer): {
  id: number;
  code: number;
  truncated: boolean;
  records: string[];
  ttls: number[];
} {
  const records: string[] = [];
  const ttls: number[] = [];
  let at = 12;
  for (let question = packet.readUInt16BE(4); question > 0; question -= 1) at = (skipName(packet, at) ?? 0) + 4;
  for (let record = packet.readUInt16BE(6); record > 0; record -= 1) {
    const fields = skipName(packet, at) ?? 0;
    const data = packet.subarray(fields + 10, fields + 10 + packet.readUInt16BE(fields + 8));
    records.push(textOf(packet.readUInt16BE(fields), data));
    ttls.push(packet.readUInt32BE(fields + 4));
    at = fields + 10 + data.length;
  }
  return {
    id: packet.readUInt16BE(0),
    code: codeOf(packet),
    truncated: (packet.readUInt16BE(2) & 0x0200) !== 0,
    records,
    ttls,
  };
}

function textOf(type: number, data: Buffer): string {
  if (type === 1 || type === 28) return textOfBytes(data);
  return type === 12 ? (readName(data, 0)?.text ?? '') : data.toString('hex');
}

/** For tests: numbers below `limit`, the same at each run (mulberry32). */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** For tests: a packet with some of it changed, cut off, doubled, or nothing but noise. */
export function mutate(packet: Buffer, random: (limit: number) => number): Buffer {
  const bytes = Buffer.from(packet);
  for (let change = random(8); change > 0; change -= 1) if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
  if (random(4) === 0) return bytes.subarray(0, random(bytes.length + 1));
  if (random(8) === 0) return Buffer.concat([bytes, bytes.subarray(random(bytes.length + 1))]);
  if (random(16) === 0) return Buffer.from(Array.from({ length: random(80) }, () => random(256)));
  return bytes;
}
