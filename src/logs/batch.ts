import { type LogBatch, type LogRecord, logKinds } from './contract.ts';

/** The records of a batch as objects, for where there are few. Their data are views of the batch. */
export function recordsOf(batch: LogBatch): LogRecord[] {
  return Array.from({ length: batch.count }, (_, index) => recordAt(batch, index));
}

export function recordAt(batch: LogBatch, index: number): LogRecord {
  const kind = batch.kinds[index] ?? 0;
  return {
    time: timeOf(batch, index),
    stream: kind & logKinds.stderr ? 'stderr' : 'stdout',
    partial: (kind & logKinds.partial) !== 0,
    data: batch.bytes.subarray(batch.starts[index], batch.ends[index]),
  };
}

export const timeOf = (batch: LogBatch, index: number): bigint => batch.timeAt(batch.marks[index] ?? 0);

/** Keeps the records for which `wanted` is true, in place. */
export function keepRecords(batch: LogBatch, wanted: (index: number) => boolean): void {
  const { starts, ends, kinds, marks } = batch;
  let kept = 0;
  for (let index = 0; index < batch.count; index += 1) {
    if (!wanted(index)) continue;
    if (kept !== index) {
      starts[kept] = starts[index] ?? 0;
      ends[kept] = ends[index] ?? 0;
      kinds[kept] = kinds[index] ?? 0;
      marks[kept] = marks[index] ?? 0;
    }
    kept += 1;
  }
  batch.count = kept;
}

/** A batch of single records. */
export function batchOf(records: readonly LogRecord[]): LogBatch {
  const count = records.length;
  const batch = {
    bytes: Buffer.concat(records.map(({ data }) => data)),
    count,
    starts: new Uint32Array(count),
    ends: new Uint32Array(count),
    kinds: new Uint8Array(count),
    marks: Uint32Array.from({ length: count }, (_, index) => index),
    timeAt: (mark: number): bigint => records[mark]?.time ?? 0n,
  };
  let at = 0;
  for (const [index, { data, stream, partial }] of records.entries()) {
    batch.starts[index] = at;
    at += data.length;
    batch.ends[index] = at;
    batch.kinds[index] = (stream === 'stderr' ? logKinds.stderr : 0) + (partial ? logKinds.partial : 0);
  }
  return batch;
}
