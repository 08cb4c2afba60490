import type { ProgressMessage } from '../../api/types/image.ts';
import { TugError } from '../../base/errors.ts';
import type { Output } from './output.ts';

/**
 * Prints the progress of a pull, load or import: bars that move on a terminal, a line per step elsewhere.
 * `onAux` gets the results that a stream carries beside its text.
 * @throws internal with the engine's words when the stream reports a failure.
 */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  out: Output,
  onAux: (aux: unknown) => void = () => {},
): Promise<void> {
  const bars = out.isTerminal ? (await import('./progress-bars.ts')).createBars(out) : undefined;
  try {
    for await (const message of messages) {
      throwFailure(message);
      if (message.aux !== undefined) onAux(message.aux);
      if (bars && message.id && !message.stream) await bars.update(message);
      else await printLine(message, out);
    }
  } finally {
    await bars?.finish();
  }
}

/** Reads a progress stream to its end in silence. @throws as `showProgress`. */
export async function drainProgress(
  messages: AsyncIterable<ProgressMessage>,
  onAux: (aux: unknown) => void = () => {},
): Promise<void> {
  for await (const message of messages) {
    throwFailure(message);
    if (message.aux !== undefined) onAux(message.aux);
  }
}

function throwFailure(message: ProgressMessage): void {
  const failure = message.errorDetail?.message ?? message.error;
  if (failure === undefined) return;
  throw new TugError('internal', failure, {
    details: { engine: true, message: failure, status: message.errorDetail?.code },
  });
}

async function printLine(message: ProgressMessage, out: Output): Promise<void> {
  if (message.stream) return out.write(message.stream);
  // Without a terminal the steps in between are left out: only the changes of state are told.
  const { current, total } = message.progressDetail ?? {};
  if (current || total || message.status === undefined) return;
  return out.write(`${message.id ? `${message.id}: ` : ''}${message.status}\n`);
}
