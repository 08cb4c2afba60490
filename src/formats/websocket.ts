import { createHash } from 'node:crypto';
import { TugError } from '../base/errors.ts';

/** Frames of the WebSocket protocol (RFC 6455, section 5), for streams of bytes: where a message ends is not told. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Codes of a close frame (section 7.4.1). */
export const closeCodes = { normal: 1000, protocolError: 1002 } as const;

export type WebSocketEvent =
  /** Bytes of a message, as they come: a frame may give several. */
  | { readonly kind: 'data'; readonly data: Buffer }
  | { readonly kind: 'ping' | 'pong'; readonly data: Buffer }
  | { readonly kind: 'close'; readonly code: number | undefined };

export interface WebSocketReader {
  /** What the bytes complete. @throws invalid for what the protocol forbids; the connection is to be closed with 1002 then. */
  push(chunk: Buffer): WebSocketEvent[];
}

const longestControl = 125;
const keySuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key` (section 4.2.2). */
export const acceptKey = (key: string): string => createHash('sha1').update(`${key}${keySuffix}`).digest('base64');

/** One whole frame. Clients mask theirs with four random bytes, servers never do. */
export function encodeFrame(opcode: number, payload: Uint8Array, mask?: Uint8Array): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended + (mask ? 4 : 0));
  head[0] = 0x80 | opcode;
  head[1] = (mask ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!mask) return Buffer.concat([head, payload]);
  head.set(mask, 2 + extended);
  const body = Buffer.from(payload);
  unmask(body, mask, 0);
  return Buffer.concat([head, body]);
}

export function encodeClose(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return encodeFrame(opcodes.close, payload);
}

interface Frame {
  readonly opcode: number;
  readonly mask: Buffer;
  readonly length: number;
  taken: number;
  /** Of a control frame, which is handed on whole. */
  readonly gathered: Buffer[];
}

/** Reads what a client sends: masked frames, in pieces of any size. Holds at most one head and one control frame. */
export function createWebSocketReader(): WebSocketReader {
  let rest: Buffer = Buffer.alloc(0);
  let frame: Frame | undefined;
  let inMessage = false;

  const begin = (): boolean => {
    const head = parseHead(rest);
    if (!head) return false;
    rest = rest.subarray(head.size);
    checkOrder(head.opcode, inMessage);
    if (!isControl(head.opcode)) inMessage = !head.final;
    frame = { opcode: head.opcode, mask: head.mask, length: head.length, taken: 0, gathered: [] };
    return true;
  };
  const take = (current: Frame): WebSocketEvent[] => {
    const data = Buffer.from(rest.subarray(0, current.length - current.taken));
    rest = rest.subarray(data.length);
    unmask(data, current.mask, current.taken);
    current.taken += data.length;
    if (!isControl(current.opcode)) return data.length > 0 ? [{ kind: 'data', data }] : [];
    current.gathered.push(data);
    return current.taken < current.length ? [] : [controlEvent(current.opcode, Buffer.concat(current.gathered))];
  };

  return {
    push(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const events: WebSocketEvent[] = [];
      for (;;) {
        if (!frame && !begin()) return events;
        if (!frame) return events;
        events.push(...take(frame));
        if (frame.taken < frame.length) return events;
        frame = undefined;
      }
    },
  };
}

const isControl = (opcode: number): boolean => opcode >= opcodes.close;

/** The head at the beginning, or undefined while it is not complete. @throws invalid. */
function parseHead(bytes: Buffer) {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const [final, opcode, short] = [(first & 0x80) !== 0, first & 0x0f, second & 0x7f];
  if ((first & 0x70) !== 0) throw broken('reserved bits are set');
  if (!(Object.values(opcodes) as number[]).includes(opcode)) throw broken(`opcode ${opcode} is not known`);
  if ((second & 0x80) === 0) throw broken('a frame of a client is not masked');
  if (isControl(opcode) && (!final || short > longestControl))
    throw broken('a control frame is too long, or in pieces');
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const size = 2 + extended + 4;
  if (bytes.length < size) return undefined;
  const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (!Number.isSafeInteger(length)) throw broken('a frame is too long');
  return { final, opcode, length, size, mask: Buffer.from(bytes.subarray(size - 4, size)) };
}

function checkOrder(opcode: number, inMessage: boolean): void {
  if (opcode === opcodes.continuation && !inMessage) throw broken('a continuation of no message');
  if (opcode !== opcodes.continuation && !isControl(opcode) && inMessage) throw broken('a message inside of another');
}

function controlEvent(opcode: number, data: Buffer): WebSocketEvent {
  if (opcode !== opcodes.close) return { kind: opcode === opcodes.ping ? 'ping' : 'pong', data };
  if (data.length === 1) throw broken('a close frame with half a code');
  return { kind: 'close', code: data.length === 0 ? undefined : data.readUInt16BE(0) };
}

function unmask(data: Buffer, mask: Uint8Array, offset: number): void {
  for (let at = 0; at < data.length; at += 1) data[at] = (data[at] ?? 0) ^ (mask[(at + offset) % 4] ?? 0);
}

const broken = (what: string): TugError => new TugError('invalid', `malformed WebSocket frame: ${what}`);
