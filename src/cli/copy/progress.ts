import { humanSize } from '../../formats/bytes.ts';
import type { Output } from '../output/output.ts';

/** Milliseconds between two updates of the line. */
const interval = 75;
const [save, restore, eraseLine, eraseTail, hide, show] = [
  '\x1b[s',
  '\x1b[u',
  '\x1b[2K',
  '\x1b[0K',
  '\x1b[?25l',
  '\x1b[?25h',
];

export interface CopyProgress {
  /** Counts what passes. */
  count<T extends Uint8Array>(chunks: AsyncIterable<T>): AsyncGenerator<T>;
  /** Takes the line away and says what was copied. */
  finish(where: string | undefined): Promise<void>;
}

/** Runs `work` on what passes, with a line on a terminal that tells how much it is so far, unless it is to be quiet. */
export async function withProgress<T extends Uint8Array>(
  { header, quiet, err }: { readonly header: string; readonly quiet: boolean; readonly err: Output },
  chunks: AsyncIterable<T>,
  work: (chunks: AsyncIterable<T>) => Promise<void>,
): Promise<void> {
  if (quiet) return await work(chunks);
  const progress = showCopying(header, err);
  try {
    await work(progress.count(chunks));
  } finally {
    await progress.finish(undefined);
  }
}

/** The line that tells how much has been copied, as Docker's: on a terminal alone. */
export function showCopying(header: string, err: Output): CopyProgress {
  let total = 0;
  let told = 0;
  const write = (text: string) => void err.write(text).catch(() => {});
  const size = () => humanSize(total, 3);
  let timer: NodeJS.Timeout | undefined;
  const interrupted = (): never => {
    process.stderr.write(`${show}\n`);
    process.exit(130);
  };
  if (err.isTerminal) {
    write(`${save}Preparing to copy...${hide}${restore}${eraseLine}${header}${size()}`);
    timer = setInterval(() => {
      if (total === told) return;
      told = total;
      write(`${restore}${eraseTail}${header}${size()}`);
    }, interval);
    process.once('SIGINT', interrupted);
  }
  return {
    async *count(chunks) {
      for await (const chunk of chunks) {
        total += chunk.length;
        yield chunk;
      }
    },
    async finish(where) {
      if (timer) {
        clearInterval(timer);
        process.removeListener('SIGINT', interrupted);
        write(`${show}${restore}${eraseLine}`);
      }
      if (where !== undefined) await err.write(`Successfully copied ${size()} to ${where}\n`);
    },
  };
}
