import type { ProgressMessage } from '../../api/types/image.ts';
import { asTugError } from '../../base/errors.ts';
import type { Exchange } from './exchange.ts';

/** Unsent bytes beyond which a client that reads slowly is spared the steps of progress bars. */
const backlog = 1024 * 1024;

/**
 * Answers with the lines of JSON that pull, load and import report in. The head goes out with the first
 * line: an error before that is an ordinary HTTP error, a later one is the last line. `work` gets a function
 * that writes a line.
 */
export async function answerWithProgress(
  exchange: Exchange,
  work: (progress: (message: ProgressMessage) => void) => Promise<void>,
): Promise<undefined> {
  const stream = exchange.begin('application/json');
  const { response } = stream;
  const progress = (message: ProgressMessage): void => {
    if (response.writableLength > backlog && message.progressDetail?.current !== undefined) return;
    stream.write(`${JSON.stringify(message)}\r\n`).catch(() => {}); // a client that left: its signal ends the work
  };
  try {
    await work(progress);
  } catch (error) {
    if (!response.headersSent) throw error;
    progress(errorLine(error));
  }
  stream.end();
}

function errorLine(error: unknown): ProgressMessage {
  const { kind, message } = asTugError(error);
  const code = kind === 'unauthorized' ? { code: 401 } : {};
  return { errorDetail: { ...code, message }, error: message };
}
