import { formatRfc3339Nano } from '../../formats/timestamp.ts';
import { type LogBatch, logKinds } from '../../logs/contract.ts';

export interface LogForm {
  /** Raw bytes instead of frames. */
  readonly terminal: boolean;
  /** Lines of one stream that follow each other go into one frame, up to 32 KiB; otherwise each has its own. */
  readonly joined: boolean;
  /** Put the time before each line. */
  readonly timestamps: boolean;
  /** What to put before each line, after its time; undefined for nothing. */
  readonly details: string | undefined;
}

const headerLength = 8;
const longestFrame = 32 * 1024;
/** Below this a loop is faster than a call to copy. */
const shortText = 48;

/** Turns batches into bytes for a client: one buffer for each, no object for a record. */
export function createLogEncoder(form: LogForm): (batch: LogBatch) => Buffer {
  const prefix = form.timestamps || form.details !== undefined ? createPrefix(form) : undefined;
  return (batch) => {
    const prefixes = prefix && Array.from({ length: batch.count }, (_, index) => prefix(batch, index));
    const output = Buffer.allocUnsafeSlow(sizeOf(batch, prefixes));
    return output.subarray(
      0,
      form.terminal ? writeRaw(batch, prefixes, output) : writeFrames(batch, prefixes, output, form),
    );
  };
}

/** Bytes that are enough: the frames of joined lines take fewer. */
function sizeOf(batch: LogBatch, prefixes: readonly string[] | undefined): number {
  let size = batch.count * headerLength;
  for (let index = 0; index < batch.count; index += 1) size += (batch.ends[index] ?? 0) - (batch.starts[index] ?? 0);
  for (const text of prefixes ?? []) size += Buffer.byteLength(text);
  return size;
}

function writeRaw(batch: LogBatch, prefixes: readonly string[] | undefined, output: Buffer): number {
  let at = 0;
  for (let index = 0; index < batch.count; index += 1) at = writeText(batch, index, prefixes, output, at);
  return at;
}

function writeFrames(
  batch: LogBatch,
  prefixes: readonly string[] | undefined,
  output: Buffer,
  { joined }: LogForm,
): number {
  let at = 0;
  let header = -1;
  let open = -1;
  for (let index = 0; index < batch.count; index += 1) {
    const stream = ((batch.kinds[index] ?? 0) & logKinds.stderr) + 1;
    if (stream !== open || !joined || at - header > longestFrame) {
      if (header >= 0) endFrame(output, header, at);
      header = at;
      open = stream;
      output.fill(0, at, at + headerLength);
      output[at] = stream;
      at += headerLength;
    }
    at = writeText(batch, index, prefixes, output, at);
  }
  if (header >= 0) endFrame(output, header, at);
  return at;
}

function endFrame(output: Buffer, header: number, end: number): void {
  const length = end - header - headerLength;
  output[header + 4] = length >>> 24;
  output[header + 5] = length >>> 16;
  output[header + 6] = length >>> 8;
  output[header + 7] = length;
}

function writeText(
  { bytes, starts, ends }: LogBatch,
  index: number,
  prefixes: readonly string[] | undefined,
  output: Buffer,
  from: number,
): number {
  let at = from;
  if (prefixes) at += output.write(prefixes[index] ?? '', at);
  const start = starts[index] ?? 0;
  const end = ends[index] ?? 0;
  if (end - start > shortText) return at + bytes.copy(output, at, start, end);
  for (let source = start; source < end; source += 1) output[at++] = bytes[source] ?? 0;
  return at;
}

/** Times and details stand at the beginning of lines, not of their pieces. */
function createPrefix({ timestamps, details }: LogForm): (batch: LogBatch, index: number) => string {
  const inLine = [false, false];
  const rest = details === undefined ? '' : `${details} `;
  return (batch, index) => {
    const kind = batch.kinds[index] ?? 0;
    const stream = kind & logKinds.stderr;
    const continued = inLine[stream];
    inLine[stream] = (kind & logKinds.partial) !== 0;
    if (continued) return '';
    const time = timestamps ? `${formatRfc3339Nano(batch.timeAt(batch.marks[index] ?? 0), 'fixed')} ` : '';
    return time + rest;
  };
}
