import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import * as path from 'node:path';
import type { EventMessage } from '../api/types/event.ts';
import { errnoOf } from '../base/errors.ts';

/** An event and its time in Unix nanoseconds, which is more than a JSON number holds exactly. */
export interface DatedEvent {
  readonly at: bigint;
  readonly event: EventMessage;
}

/** The events that are kept for `since`, oldest first. */
export interface EventHistory extends Disposable {
  /** Keeps an event. Never throws: one that the disk has no room for is not kept. */
  append(dated: DatedEvent): void;
  /** What is kept at the time of the call, however long the reading takes. */
  read(): AsyncIterable<DatedEvent>;
}

/** The files that the kept events are spread over; the oldest goes as a whole. */
const parts = 8;
/** Bytes after which a file is full, whatever its number of events. */
const mostBytes = 4 * 1024 * 1024;
const pattern = /^\d{10}\.jsonl$/;

/**
 * Opens the history in a folder of its own: files of JSON lines that are only appended to, each event by one
 * write(2), so that a kill of the engine loses none; without fsync, so a power cut may lose the last seconds. At
 * least `bound` events are kept, and at most an eighth more, unless they are larger than 36 MiB together.
 * @throws what the file system says, when the folder cannot be used.
 */
export function openEventHistory(folder: string, bound: number): EventHistory {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const perFile = Math.ceil(bound / parts);
  const files = readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort();
  let current = continueFile(folder, files.at(-1));
  const next = (): void => {
    const number = files.length === 0 ? 1 : Number.parseInt(files.at(-1) ?? '', 10) + 1;
    const name = `${String(number).padStart(10, '0')}.jsonl`;
    const opened = openFile(path.join(folder, name));
    if (current) closeSync(current.descriptor);
    current = opened;
    files.push(name);
    while (files.length > parts + 1) rmSync(path.join(folder, files.shift() ?? ''), { force: true });
  };

  return {
    append(dated) {
      try {
        if (!current || current.events >= perFile || current.bytes >= mostBytes) next();
        if (current) appendLine(current, formatLine(dated));
      } catch {
        // no room: it is told to who listens, and not kept
      }
    },
    read() {
      return readAll(files.flatMap((name) => openForReading(path.join(folder, name))));
    },
    [Symbol.dispose]() {
      if (current) closeSync(current.descriptor);
      current = undefined;
    },
  };
}

interface OpenFile {
  readonly descriptor: number;
  events: number;
  bytes: number;
  /** The last line was cut off, by a full disk. */
  torn: boolean;
}

function openFile(file: string): OpenFile {
  return { descriptor: openSync(file, 'a', 0o600), events: 0, bytes: 0, torn: false };
}

function continueFile(folder: string, name: string | undefined): OpenFile | undefined {
  if (name === undefined) return undefined;
  const file = path.join(folder, name);
  const content = readFileSync(file);
  const events = content.reduce((lines, byte) => (byte === 0x0a ? lines + 1 : lines), 0);
  return { ...openFile(file), events, bytes: content.length, torn: content.length > 0 && content.at(-1) !== 0x0a };
}

function appendLine(file: OpenFile, line: string): void {
  const bytes = Buffer.from(file.torn ? `\n${line}` : line);
  const written = writeSync(file.descriptor, bytes);
  file.bytes += written;
  file.events += 1;
  file.torn = written < bytes.length;
}

/** The exact time goes first, since JSON's numbers lose its last digits. */
const formatLine = ({ at, event }: DatedEvent): string => `${at} ${JSON.stringify(event)}\n`;

function parseLine(line: string): DatedEvent | undefined {
  const space = line.indexOf(' ');
  try {
    return { at: BigInt(line.slice(0, space)), event: JSON.parse(line.slice(space + 1)) as EventMessage };
  } catch {
    return undefined; // cut off by a full disk or a power cut
  }
}

/** A file as long as it is now: what is appended later is no part of it. One that somebody took away is empty. */
function openForReading(file: string): { descriptor: number; size: number }[] {
  try {
    const descriptor = openSync(file, 'r');
    return [{ descriptor, size: fstatSync(descriptor).size }];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function* readAll(files: readonly { descriptor: number; size: number }[]): AsyncGenerator<DatedEvent> {
  try {
    for (const { descriptor, size } of files) yield* readFile(descriptor, size);
  } finally {
    for (const { descriptor } of files) closeSync(descriptor);
  }
}

/** In pieces, with a turn of the event loop between them, so that a long history holds nobody up. */
async function* readFile(descriptor: number, size: number): AsyncGenerator<DatedEvent> {
  const buffer = Buffer.alloc(64 * 1024);
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < size; ) {
    const read = readSync(descriptor, buffer, 0, Math.min(buffer.length, size - at), at);
    if (read === 0) break;
    at += read;
    const piece = Buffer.concat([rest, buffer.subarray(0, read)]);
    const end = piece.lastIndexOf(0x0a) + 1;
    rest = piece.subarray(end);
    for (const line of piece.toString('utf8', 0, end).split('\n')) {
      const dated = line === '' ? undefined : parseLine(line);
      if (dated) yield dated;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
