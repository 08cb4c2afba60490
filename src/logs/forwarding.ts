import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, unsupported } from '../base/errors.ts';
import { clearIdle, closeLog, type LogCare } from './bounded.ts';
import type { LogBatch, LogDriver, LoggedContainer, ParseLog } from './contract.ts';
import { type Copier, type LogSink, startCopier } from './copier.ts';
import { beginning, type Place } from './cursor.ts';
import { readBoolean, readLimits } from './limits.ts';
import { createLineJoiner } from './lines.ts';
import { createFileReader } from './reader.ts';

/** One line of output, or a piece of a long one, on its way out. */
export interface OutputLine {
  /** Without the newline. */
  readonly text: Buffer;
  readonly stderr: boolean;
  /** The line goes on in the next one of its stream. */
  readonly partial: boolean;
  /** Unix nanoseconds. */
  readonly time: bigint;
}

/** A connection to whoever gets the lines. */
export interface Delivery {
  /** @throws when it cannot be delivered now; it is given again later. */
  send(line: OutputLine): Promise<void> | undefined;
  close(): void;
}

export interface ForwardingOptions {
  readonly name: string;
  readonly parseLog: ParseLog;
  readonly care: LogCare;
  check(options: Readonly<Record<string, string>>): void;
  attributes(container: LoggedContainer): Readonly<Record<string, string>>;
  /** Fails the start of a container when nobody is there to take its lines. */
  probe(container: LoggedContainer): Promise<void>;
  /** Makes no connection before the first line. */
  open(container: LoggedContainer): Delivery;
}

/** What is kept on this machine, so that `logs` works. */
export const cacheOptions = ['cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress'];

export const cacheLimits = (options: Readonly<Record<string, string>>) => readLimits(options, true, 'cache-');

/** @throws invalid for a bad value. */
export function isCacheDisabled(options: Readonly<Record<string, string>>): boolean {
  return options['cache-disabled'] !== undefined && readBoolean(options['cache-disabled'], 'cache-disabled');
}

/** A driver that hands lines on to others; the monitor's log stays, within limits, and is what `logs` reads. */
export function createForwardingDriver(options: ForwardingOptions): LogDriver {
  const { care, parseLog } = options;
  const kept = new Map<string, Copier>();
  const refuseUnread = (container: LoggedContainer): void => {
    if (isCacheDisabled(container.options))
      throw unsupported('configured logging driver does not support reading', { code: 'log-not-readable' });
  };
  return {
    name: options.name,
    check: options.check,
    attributes: options.attributes,
    path: () => '',
    reader(container) {
      refuseUnread(container);
      return createFileReader(container.monitorLog, container.ended, parseLog);
    },
    async prepare(container) {
      await options.probe(container);
      await closeLog(container.monitorLog, cacheLimits(container.options));
    },
    keep(container) {
      const sink = createDeliverySink(path.join(path.dirname(container.monitorLog), 'sent.json'), () =>
        options.open(container),
      );
      const copier = startCopier({ care, parse: parseLog, container, limits: cacheLimits(container.options) }, sink);
      kept.set(container.id, copier);
      void copier.done.then(() => {
        if (kept.get(container.id) === copier) kept.delete(container.id);
      });
      return copier;
    },
    async clear(container) {
      refuseUnread(container);
      const copier = kept.get(container.id);
      await copier?.sync();
      if (copier) await copier.bounded.clear();
      else clearIdle(container.monitorLog);
    },
  };
}

/**
 * Delivers lines and notes in a file how far it came. Killed between a delivery and its note, the next engine delivers
 * those lines again: at most what was read at once, 1 MiB.
 */
function createDeliverySink(noteFile: string, open: () => Delivery): LogSink {
  let delivery: Delivery | undefined;
  let lines: OutputLine[] = [];
  let batch: LogBatch | undefined;
  let source: Place = beginning;
  /** Lines delivered since the source was there, and how many of them are given again. */
  let since = 0;
  let skip = 0;
  const joiner = createLineJoiner((bytes, start, end, stream, time) => {
    const partial = bytes[end - 1] !== 10;
    const text = Buffer.from(bytes.subarray(start, partial ? end : end - 1));
    lines.push({ text, stderr: stream === 1, partial, time });
  });
  const note = (): void => {
    writeFileSync(`${noteFile}.tmp`, JSON.stringify({ source, since }));
    renameSync(`${noteFile}.tmp`, noteFile);
  };
  const deliver = async (at: Place): Promise<void> => {
    let done = 0;
    try {
      for (; done < lines.length; done += 1) {
        const line = lines[done];
        delivery ??= open();
        if (skip > 0) skip -= 1;
        else if (line) await delivery.send(line);
        since += 1;
      }
    } catch (error) {
      delivery?.close();
      delivery = undefined;
      throw error;
    } finally {
      lines = lines.slice(done);
    }
    if (joiner.isAtLineEnd() && skip === 0) {
      source = at;
      since = 0;
    }
    note();
  };
  return {
    async resume() {
      const found = readNote(noteFile);
      source = found.source;
      skip = found.since;
      return source;
    },
    async write(next, after) {
      if (batch !== next) for (let index = 0; index < next.count; index += 1) joiner.add(next, index);
      batch = next;
      await deliver(after);
    },
    async pause(at, over) {
      if (over) joiner.flush();
      await deliver(at);
      return source;
    },
    rest() {
      batch = undefined;
    },
    async close() {
      delivery?.close();
      delivery = undefined;
    },
  };
}

function readNote(file: string): { source: Place; since: number } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { source: Place; since: number };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
    return { source: beginning, since: 0 };
  }
}
