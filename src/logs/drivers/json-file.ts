import path from 'node:path';
import { attributeOptions, checkAttributes, extraAttributes, tagOf } from '../attributes.ts';
import { closeLog, type LogCare } from '../bounded.ts';
import type { LogDriver, LoggedContainer, ParseLog } from '../contract.ts';
import { type Copier, startCopier } from '../copier.ts';
import { checkDelivery, deliveryOptions } from '../delivery.ts';
import { createJsonFileSink, type JsonFileSink } from '../json-file.ts';
import { parseJsonLog } from '../json-parse.ts';
import { limitOptions, readLimits } from '../limits.ts';
import { createFileReader } from '../reader.ts';
import { dropBefore, rotateIdle } from '../rotation.ts';
import { listSegments } from '../segments.ts';
import { refuseOthers } from './local.ts';

/** The monitor's log is only passed through, in files of this size. */
const passing = { maxSize: 4 << 20, maxFile: Number.POSITIVE_INFINITY, compress: false };

/** Docker's own format, in a file that others may read too. */
export function createJsonFileLogs({ parseLog, care }: { parseLog: ParseLog; care: LogCare }): LogDriver {
  const kept = new Map<string, { copier: Copier; sink: JsonFileSink }>();
  const limitsOf = (options: Readonly<Record<string, string>>) => readLimits(options, false);
  const fileOf = ({ id, monitorLog }: LoggedContainer) => path.join(path.dirname(monitorLog), `${id}-json.log`);
  const attributes = (container: LoggedContainer): Record<string, string> => {
    const tag = tagOf(container, '');
    return { ...extraAttributes(container), ...(tag === '' ? {} : { tag }) };
  };
  return {
    name: 'json-file',
    check(options) {
      refuseOthers('json-file', options, [...limitOptions, ...attributeOptions, ...deliveryOptions]);
      limitsOf(options);
      checkAttributes(options);
      checkDelivery(options);
    },
    path: fileOf,
    attributes,
    reader(container) {
      const ended = async (): Promise<void> => {
        await container.ended();
        await kept.get(container.id)?.copier.done;
      };
      const reader = createFileReader(fileOf(container), ended, parseJsonLog);
      return {
        async *read(options, signal) {
          await kept.get(container.id)?.copier.sync();
          yield* reader.read(options, signal);
        },
      };
    },
    prepare: (container) => closeLog(container.monitorLog, passing),
    keep(container) {
      const complain = (error: unknown) =>
        care.log.warn('a log cannot be rotated now', { container: container.id, error });
      const sink = createJsonFileSink(fileOf(container), limitsOf(container.options), attributes(container), complain);
      const copied = ({ number }: { number: number }) => dropBefore(container.monitorLog, number);
      const copier = startCopier({ care, parse: parseLog, container, limits: passing, copied }, sink);
      kept.set(container.id, { copier, sink });
      void copier.done.then(() => {
        if (kept.get(container.id)?.copier === copier) kept.delete(container.id);
      });
      return copier;
    },
    async clear(container) {
      const file = fileOf(container);
      const forget = (): void => dropBefore(file, listSegments(file).current.number);
      const keeping = kept.get(container.id);
      if (!keeping) {
        rotateIdle(file);
        forget();
        return;
      }
      await keeping.copier.sync();
      await keeping.copier.between(async () => {
        await keeping.sink.turn();
        forget();
      });
    },
  };
}
