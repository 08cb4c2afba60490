import { setTimeout } from 'node:timers/promises';
import { errnoOf, unsupported } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { formatRfc3339Nano } from '../../formats/timestamp.ts';
import { connectDatagram } from '../../host/datagram.ts';
import { attributeOptions, checkAttributes, extraAttributes, tagOf } from '../attributes.ts';
import type { LogCare } from '../bounded.ts';
import type { LogDriver, LoggedContainer, ParseLog } from '../contract.ts';
import { checkDelivery, deliveryOptions } from '../delivery.ts';
import {
  cacheLimits,
  cacheOptions,
  createForwardingDriver,
  type Delivery,
  isCacheDisabled,
  type OutputLine,
} from '../forwarding.ts';
import { refuseOthers } from './local.ts';

export interface JournaldOptions {
  readonly parseLog: ParseLog;
  readonly care: LogCare;
  /** Where the journal listens. */
  readonly socket?: string;
}

/** Hands lines to systemd's journal, in its native protocol, with the fields that Docker gives them. */
export function createJournaldLogs({
  parseLog,
  care,
  socket = '/run/systemd/journal/socket',
}: JournaldOptions): LogDriver {
  return createForwardingDriver({
    name: 'journald',
    parseLog,
    care,
    check(options) {
      refuseOthers('journald', options, [...attributeOptions, ...cacheOptions, ...deliveryOptions]);
      checkAttributes(options);
      checkDelivery(options);
      isCacheDisabled(options);
      cacheLimits(options);
    },
    attributes: () => ({}),
    async probe() {
      try {
        connectDatagram(socket).close();
      } catch (error) {
        throw unsupported('failed to initialize logging driver: journald is not enabled on this host', {
          cause: error,
        });
      }
    },
    open: (container) => openJournal(socket, container),
  });
}

/** Milliseconds between attempts while the journal's queue is full, and how many. */
const queuePause = 20;
const queueAttempts = 50;

function openJournal(socket: string, container: LoggedContainer): Delivery {
  const sender = connectDatagram(socket);
  const common = fieldsOf(container);
  const wait = async (data: Buffer): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      await setTimeout(queuePause);
      try {
        sender.send(data);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'EAGAIN' || attempt === queueAttempts) throw error;
      }
    }
  };
  const pieces = countPieces();
  return {
    send(line) {
      const data = Buffer.concat([
        common,
        field('PRIORITY', line.stderr ? '3' : '6'),
        field('SYSLOG_TIMESTAMP', formatRfc3339Nano(line.time)),
        ...pieces.fieldsOf(line),
        field('MESSAGE', line.text),
      ]);
      try {
        sender.send(data);
        pieces.sent(line);
        return undefined;
      } catch (error) {
        if (errnoOf(error) !== 'EAGAIN') throw error;
        return wait(data).then(() => pieces.sent(line));
      }
    },
    close: () => sender.close(),
  };
}

/** Tells the pieces of a long line by an id that they share, each with its number; the streams have theirs apart. */
function countPieces() {
  let [out, err] = [newPieces(), newPieces()];
  const of = ({ stderr }: OutputLine): Pieces => (stderr ? err : out);
  return {
    fieldsOf(line: OutputLine): Buffer[] {
      const { id, count } = of(line);
      if (!line.partial && count === 0) return [];
      return [
        field('CONTAINER_PARTIAL_ID', id),
        field('CONTAINER_PARTIAL_ORDINAL', String(count + 1)),
        field('CONTAINER_PARTIAL_LAST', String(!line.partial)),
        ...(line.partial ? [field('CONTAINER_PARTIAL_MESSAGE', 'true')] : []),
      ];
    },
    sent(line: OutputLine): void {
      const before = of(line);
      if (!line.partial && before.count === 0) return;
      const next = line.partial ? { ...before, count: before.count + 1 } : newPieces();
      if (line.stderr) err = next;
      else out = next;
    },
  };
}

interface Pieces {
  readonly id: string;
  /** How many of the line were sent. */
  readonly count: number;
}

const newPieces = (): Pieces => ({ id: newId(), count: 0 });

function fieldsOf(container: LoggedContainer): Buffer {
  const tag = tagOf(container, '{{.ID}}');
  const fields = {
    ...Object.fromEntries(Object.entries(extraAttributes(container)).map(([key, value]) => [fieldName(key), value])),
    CONTAINER_ID: container.id.slice(0, 12),
    CONTAINER_ID_FULL: container.id,
    CONTAINER_NAME: container.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: container.imageName,
    SYSLOG_IDENTIFIER: tag,
  };
  return Buffer.concat(Object.entries(fields).map(([name, value]) => field(name, value)));
}

/** The journal's names are of A-Z, 0-9 and underscores, and do not begin with one. */
const fieldName = (name: string): string =>
  name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '_')
    .replace(/^_+/, '');

/** A field of the native protocol: `NAME=value\n`, or with its length where the value has newlines or is no text. */
function field(name: string, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.every((byte) => byte >= 0x20 || byte === 9))
    return Buffer.concat([Buffer.from(`${name}=`), bytes, newline]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, newline]);
}

const newline = Buffer.from('\n');
