import { parentPort, workerData } from 'node:worker_threads';
import { errnoOf, messageOf, TugError } from '../../base/errors.ts';
import { type SettleTask, settleLayer, type UnpackTask, unpackLayer } from './layer.ts';

/** What the pool sends. `settle` follows an `unpack` of the same folder. */
export type WorkerTask =
  | { readonly kind: 'unpack'; readonly task: UnpackTask }
  | { readonly kind: 'settle'; readonly task: SettleTask };

/** What ends the thread, besides. */
export interface EndTask {
  readonly kind: 'end';
}

export type WorkerMessage =
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: SentError };

/** An error as plain data, since a thread's message keeps only its text. */
export interface SentError {
  readonly tug: boolean;
  readonly kind: string;
  readonly code: string | undefined;
  readonly message: string;
}

const progressInterval = 100;

function sendError(error: unknown): SentError {
  if (error instanceof TugError) return { tug: true, kind: error.kind, code: error.code, message: error.message };
  return { tug: false, kind: '', code: errnoOf(error), message: messageOf(error) };
}

function serve(port: NonNullable<typeof parentPort>, stop: Int32Array): void {
  const send = (message: WorkerMessage): void => port.postMessage(message);
  let told = Number.NEGATIVE_INFINITY;
  const watch = {
    check() {
      if (Atomics.load(stop, 0) !== 0) throw new TugError('cancelled', 'the unpacking was cancelled');
    },
    progress(bytes: number) {
      const now = performance.now();
      if (now - told < progressInterval) return;
      told = now;
      send({ kind: 'progress', bytes });
    },
  };
  port.on('message', async (message: WorkerTask | EndTask) => {
    if (message.kind === 'end') process.exit(); // the thread's
    told = Number.NEGATIVE_INFINITY; // the first word of a task says that its file is open
    try {
      const result = message.kind === 'unpack' ? await unpackLayer(message.task, watch) : settleLayer(message.task);
      send({ kind: 'done', result });
    } catch (error) {
      send({ kind: 'failed', error: sendError(error) });
    }
  });
}

if (parentPort) serve(parentPort, new Int32Array((workerData as { stop: SharedArrayBuffer }).stop));
