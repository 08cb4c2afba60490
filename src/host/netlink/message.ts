/**
 * Netlink messages as bytes (netlink(7)): a 16-byte header, a fixed part that belongs to the message type,
 * then attributes, each `u16 length, u16 type, payload` padded to 4 bytes. Pure; numbers are in the
 * machine's own byte order, which is little-endian on every platform tug runs on.
 */
const HEADER = 16;

/** `nlmsg_flags` of netlink(7). */
export const requestFlags = {
  request: 0x1,
  ack: 0x4,
  /** The whole table instead of one object. */
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
} as const;

/** What the kernel says with an answer: that the table changed while it was listed, so that objects may be missing. */
export const replyFlags = { interrupted: 0x10 } as const;

/** Message types that belong to no family. */
export const controlTypes = { error: 2, done: 3 } as const;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** A request without its sequence number, which the socket fills in. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export interface Reply {
  readonly type: number;
  /** See `replyFlags`. */
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

const align = (length: number): number => (length + 3) & ~3;

/** One attribute. A number becomes 32 bits, a text gets its terminating zero. */
export function attribute(type: number, value: Buffer | string | number): Buffer {
  const payload = toBytes(value);
  const bytes = Buffer.alloc(align(4 + payload.length));
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  payload.copy(bytes, 4);
  return bytes;
}

/** An attribute made of attributes. */
export function nested(type: number, ...children: readonly Buffer[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(children));
}

function toBytes(value: Buffer | string | number): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === 'string') return Buffer.from(`${value}\0`);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A message with its header, ready to be sent; several may be sent in one datagram. */
export function encode(message: Message, sequence: number): Buffer {
  const length = HEADER + message.payload.length;
  const bytes = Buffer.alloc(align(length));
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(message.type, 4);
  bytes.writeUInt16LE(message.flags | requestFlags.request, 6);
  bytes.writeUInt32LE(sequence, 8);
  message.payload.copy(bytes, HEADER);
  return bytes;
}

/** The messages of a received datagram; a truncated last one is left out. */
export function decode(datagram: Buffer): Reply[] {
  const replies: Reply[] = [];
  for (let at = 0; at + HEADER <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER || at + length > datagram.length) break;
    replies.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return replies;
}

/** The attributes from `offset` on, by type; of a type that comes twice, the last. */
export function attributes(payload: Buffer, offset = 0): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = offset; at + 4 <= payload.length; ) {
    const length = payload.readUInt16LE(at);
    if (length < 4 || at + length > payload.length) break;
    found.set(payload.readUInt16LE(at + 2) & NLA_TYPE_MASK, payload.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

/** An attribute's text without its terminating zero. */
export function textOf(value: Buffer | undefined): string {
  return value === undefined ? '' : value.toString('latin1').replace(/\0+$/, '');
}
