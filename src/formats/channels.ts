import { asTugError, invalid, messageOf, TugError } from '../base/errors.ts';

/**
 * Several two-way streams over one connection. The engine opens them, each with a head that says what it wants; the
 * client answers. A frame is a byte of a kind, four of the channel's number, four of a length (big endian), and as many
 * of content. A connection is held up while a channel has more unread than `mostUnread`.
 */
export interface Channel extends AsyncDisposable {
  /** The next bytes, undefined at the other side's end. @throws what the other side failed with; cancelled when it is gone. */
  read(): Promise<Buffer | undefined>;
  write(bytes: Uint8Array): Promise<void>;
  /** Ends this side's direction; reading goes on. */
  end(): Promise<void>;
  /** Ends both directions with words. */
  fail(error: unknown): Promise<void>;
}

export interface Channels {
  /** Takes what came over the connection. Resolves when there is room for more. @throws invalid for what is no frame. */
  feed(bytes: Buffer): Promise<void>;
  /** Whoever reads is told when the signal is aborted, though the other side may still write. */
  open(head: unknown, signal: AbortSignal): Channel;
  /** The connection is gone: whoever reads is told. */
  close(error: TugError): void;
}

const kinds = { open: 1, data: 2, end: 3, failed: 4 } as const;
const headSize = 9;
const mostFrame = 1024 * 1024;
const mostUnread = 4 * 1024 * 1024;

/** `accept` is given what the other side opens; without it nothing may be. */
export function createChannels(
  send: (bytes: Buffer) => Promise<void>,
  accept?: (head: unknown, channel: Channel) => void,
): Channels {
  const channels = new Map<number, Inbox>();
  let head: Buffer = Buffer.alloc(0);
  let frameNow: Incoming | undefined;
  let last = 0;
  let gone: TugError | undefined;
  const channelOf = (number: number, inbox: Inbox, left = (): void => {}): Channel =>
    describeChannel(number, inbox, send, () => {
      channels.delete(number);
      left();
    });

  const take = (kind: number, number: number, content: Buffer): void => {
    if (kind === kinds.open) {
      if (!accept || channels.has(number)) throw malformed();
      const inbox = createInbox();
      channels.set(number, inbox);
      accept(parse(content), channelOf(number, inbox));
      return;
    }
    const inbox = channels.get(number);
    if (!inbox) return; // it was left meanwhile
    if (kind === kinds.end) inbox.finish();
    else if (kind === kinds.failed)
      inbox.break(new TugError('invalid', content.toString(), { code: 'session-failed' }));
  };
  return {
    async feed(bytes) {
      for (let rest = bytes; rest.length > 0; ) {
        if (!frameNow) {
          const more = rest.subarray(0, headSize - head.length);
          head = join([head, more]);
          rest = rest.subarray(more.length);
          if (head.length < headSize) return;
          frameNow = readHead(head);
          head = Buffer.alloc(0);
        }
        const { kind, number, parts } = frameNow;
        const part = rest.subarray(0, frameNow.left);
        rest = rest.subarray(part.length);
        frameNow.left -= part.length;
        const isWhole = frameNow.left === 0;
        if (isWhole) frameNow = undefined;
        if (kind === kinds.data)
          await channels.get(number)?.push(part); // none: it was left meanwhile
        else parts.push(part);
        if (isWhole) take(kind, number, join(parts));
      }
    },
    open(head, signal) {
      last += 1;
      const inbox = createInbox();
      if (gone) inbox.break(gone);
      channels.set(last, inbox);
      send(frame(kinds.open, last, Buffer.from(JSON.stringify(head)))).catch((error: unknown) =>
        inbox.break(lost(error)),
      );
      const over = (): void => inbox.break(asTugError(signal.reason));
      if (signal.aborted) over();
      signal.addEventListener('abort', over);
      return channelOf(last, inbox, () => signal.removeEventListener('abort', over));
    },
    close(error) {
      gone = error;
      for (const inbox of channels.values()) inbox.break(error);
    },
  };
}

/** A frame that has not come whole. The content of data is handed on as it comes. */
interface Incoming {
  readonly kind: number;
  readonly number: number;
  left: number;
  readonly parts: Buffer[];
}

/** @throws invalid. */
function readHead(head: Buffer): Incoming {
  const [kind, number, left] = [head.readUInt8(0), head.readUInt32BE(1), head.readUInt32BE(5)];
  if (kind < kinds.open || kind > kinds.failed || left > mostFrame) throw malformed();
  return { kind, number, left, parts: [] };
}

function join(pieces: readonly Buffer[]): Buffer {
  const [first = Buffer.alloc(0), ...more] = pieces.filter(({ length }) => length > 0);
  return more.length === 0 ? first : Buffer.concat([first, ...more]);
}

const malformed = (): TugError => invalid('the session is malformed', { code: 'bad-session' });
const lost = (cause: unknown): TugError => new TugError('cancelled', 'the client is gone', { cause });

function parse(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString()) as unknown;
  } catch {
    throw malformed();
  }
}

function frame(kind: number, number: number, content: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headSize + content.length);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32BE(number, 1);
  bytes.writeUInt32BE(content.length, 5);
  bytes.set(content, headSize);
  return bytes;
}

function describeChannel(
  number: number,
  inbox: Inbox,
  send: (bytes: Buffer) => Promise<void>,
  forget: () => void,
): Channel {
  let over = false;
  const channel: Channel = {
    read: () => inbox.read(),
    async write(bytes) {
      for (let at = 0; at < bytes.length && !over; at += mostFrame)
        await send(frame(kinds.data, number, bytes.subarray(at, at + mostFrame)));
    },
    async end() {
      if (over) return;
      over = true;
      await send(frame(kinds.end, number, Buffer.alloc(0)));
    },
    async fail(error) {
      if (over) return;
      over = true;
      await send(frame(kinds.failed, number, Buffer.from(messageOf(error))));
    },
    async [Symbol.asyncDispose]() {
      inbox.leave();
      forget();
      await channel.end().catch(() => {}); // whoever is gone needs no end
    },
  };
  return channel;
}

interface Inbox {
  push(content: Buffer): Promise<void>;
  read(): Promise<Buffer | undefined>;
  finish(): void;
  break(error: TugError): void;
  leave(): void;
}

/** What came on one channel and was not read yet. */
function createInbox(): Inbox {
  const chunks: Buffer[] = [];
  let unread = 0;
  let ended = false;
  let left = false;
  let failure: TugError | undefined;
  let changed = Promise.withResolvers<void>();
  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  return {
    async push(content) {
      if (left || failure || content.length === 0) return;
      chunks.push(content);
      unread += content.length;
      tell();
      while (unread > mostUnread && !left && !failure) await changed.promise;
    },
    async read() {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk) {
          unread -= chunk.length;
          tell();
          return chunk;
        }
        if (failure) throw failure;
        if (ended) return undefined;
        await changed.promise;
      }
    },
    finish() {
      ended = true;
      tell();
    },
    break(error) {
      failure ??= error;
      tell();
    },
    leave() {
      left = true;
      chunks.length = 0;
      tell();
    },
  };
}

/** Takes exactly so many bytes of a channel at a time. */
export interface ChannelReader {
  /** @throws invalid when the other side ends before. */
  take(size: number): Promise<Buffer>;
  /** Up to a line feed, which is not in it; undefined at the end. */
  line(): Promise<Buffer | undefined>;
  /** What has come up to the last line feed of it, at least one line; undefined at the end. */
  lines(): Promise<Buffer | undefined>;
  /** The next bytes, at most so many. @throws invalid at the end. */
  some(most: number): Promise<Buffer>;
}

export function readChannel(channel: Pick<Channel, 'read'>): ChannelReader {
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await channel.read();
    if (!next) return false;
    held = held.length === 0 ? next : Buffer.concat([held, next]);
    return true;
  };
  const cut = (size: number): Buffer => {
    const taken = held.subarray(0, size);
    held = held.subarray(size);
    return taken;
  };
  return {
    async take(size) {
      while (held.length < size) if (!(await more())) throw malformed();
      return cut(size);
    },
    async some(most) {
      while (held.length === 0) if (!(await more())) throw malformed();
      return cut(Math.min(most, held.length));
    },
    async lines() {
      for (;;) {
        const at = held.lastIndexOf(10);
        if (at >= 0) return cut(at + 1);
        if (!(await more())) return undefined;
      }
    },
    async line() {
      for (let from = 0; ; ) {
        const at = held.indexOf(10, from);
        if (at >= 0) {
          const taken = cut(at + 1);
          return taken.subarray(0, at);
        }
        from = held.length;
        if (!(await more())) return held.length === 0 ? undefined : cut(held.length);
      }
    },
  };
}
