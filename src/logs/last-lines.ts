import { type LogBatch, logKinds } from './contract.ts';

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  /** Without its newline. */
  readonly text: string;
}

/** The longest part of a line that is kept, in bytes. */
const mostBytes = 4096;

/** A short log as lines of text, pieces of a line joined. */
export async function readLines(batches: AsyncIterable<LogBatch>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const open = { stdout: '', stderr: '' };
  for await (const { bytes, count, starts, ends, kinds } of batches) {
    for (let at = 0; at < count; at += 1) {
      const kind = kinds[at] ?? 0;
      const stream = (kind & logKinds.stderr) === 0 ? 'stdout' : 'stderr';
      const text =
        open[stream] + bytes.toString('utf8', starts[at], Math.min(ends[at] ?? 0, (starts[at] ?? 0) + mostBytes));
      open[stream] = (kind & logKinds.partial) === 0 ? '' : text.slice(0, mostBytes);
      if ((kind & logKinds.partial) === 0) lines.push({ stream, text: text.replace(/\r?\n$/, '') });
    }
  }
  for (const stream of ['stdout', 'stderr'] as const) if (open[stream]) lines.push({ stream, text: open[stream] });
  return lines;
}
