import { invalid } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import { encodeFrame } from '../../formats/raw-stream.ts';
import { formatRfc3339Nano } from '../../formats/timestamp.ts';
import type { LogReadOptions, LogRecord } from '../../logs/contract.ts';
import { createBatch } from '../http/batch.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Query } from '../http/query.ts';
import { isBelow } from '../http/versions.ts';
import { rawStreamType } from './attach.ts';

/** `GET /containers/{id}/logs`. A slow client slows the reading down, never the container. */
export async function containerLogs(containers: ContainerService, exchange: Exchange): Promise<undefined> {
  const { query } = exchange;
  const options = readOptions(exchange);
  const { terminal, records } = await containers.logs(exchange.param('id'), options, exchange.signal);
  const stream = exchange.begin(rawStreamType(exchange, terminal));
  const decorate = createDecorator(query);
  const batch = createBatch((data) => stream.write(data));
  if (options.follow) stream.flush();
  for await (const record of records) {
    const data = decorate(record);
    await batch.add(terminal ? data : encodeFrame(record.stream, data));
  }
  await batch.flush();
  stream.end();
}

function readOptions({ query, version }: Exchange): LogReadOptions {
  const stdout = query.boolean('stdout');
  const stderr = query.boolean('stderr');
  if (!stdout && !stderr) throw invalid('Bad parameters: you must choose at least one stream');
  const since = query.timestamp('since');
  const until = isBelow(version, '1.35') ? undefined : query.timestamp('until');
  const tail = parseTail(query.text('tail'));
  return {
    stdout,
    stderr,
    follow: query.boolean('follow'),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(tail === undefined ? {} : { tail }),
  };
}

/** A count of lines; "all", a negative number and anything else mean all of them, as in Docker. */
function parseTail(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Puts timestamps, and the place of `details`, at the beginning of lines, not of their pieces. */
function createDecorator(query: Query): (record: LogRecord) => Uint8Array {
  const timestamps = query.boolean('timestamps');
  const details = query.boolean('details');
  if (!timestamps && !details) return (record) => record.data;
  const inLine = { stdout: false, stderr: false };
  return (record) => {
    const continued = inLine[record.stream];
    inLine[record.stream] = record.partial;
    if (continued) return record.data;
    const time = timestamps ? `${formatRfc3339Nano(record.time, 'fixed')} ` : '';
    return Buffer.concat([Buffer.from(details ? `${time} ` : time), record.data]);
  };
}
