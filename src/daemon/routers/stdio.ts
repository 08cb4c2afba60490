import type { Duplex } from 'node:stream';
import type { ContainerStreams } from '../../containers/contract.ts';
import { createDetachMatcher } from '../../formats/detach-keys.ts';
import type { AttachedStdio } from '../../runtime/monitor/contract.ts';
import { untilHeadRead } from '../http/head-read.ts';
import { createLogEncoder } from './log-frames.ts';
import { createOutputBatch } from './output-batch.ts';
import { createOutputQueue, type OutputQueue, type QueueOptions } from './output-queue.ts';

export interface StdioOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: Uint8Array;
  readonly queue: QueueOptions;
  /** Both streams as they are, without frames that tell them apart. */
  readonly unframed?: boolean;
  /** What must have happened, besides the end of output, before the client is told the end. */
  readonly afterEnd?: Promise<void> | undefined;
}

/** Bytes of live output kept while the history is given. Beyond it the client is cut off: a container never waits, and the queue with its disk comes later. */
const liveBound = 64 * 1024 * 1024;

/**
 * Joins a hijacked connection to a process's stdio, framed unless it has a terminal, until the process's
 * output ends, the client leaves, or a terminal's user types the detach keys. Either side's end of input is
 * passed on alone. The process runs on in any case. Closes the connection.
 */
export async function connectStdio(socket: Duplex, streams: ContainerStreams, options: StdioOptions): Promise<void> {
  const gone = Promise.withResolvers<void>();
  if (socket.destroyed) gone.resolve();
  else socket.once('close', () => gone.resolve());
  const queue = createOutputQueue(socket, options.queue);
  const unframed = streams.terminal || options.unframed === true;
  const output = createOutput(socket, queue, unframed, options, streams.history !== undefined);
  let stdio: AttachedStdio | undefined;
  let over = false;
  try {
    const live = streams.live?.then((connected) => {
      stdio = connected;
      if (over) connected?.detach();
      else connected?.onOutput(output.live);
      return connected;
    });
    live?.catch(() => {}); // awaited below, when the history is out
    const encode = createLogEncoder({
      terminal: unframed,
      joined: false,
      timestamps: false,
      details: undefined,
    });
    await untilHeadRead(socket, gone.promise);
    for await (const batch of streams.history ?? []) {
      output.history(encode(batch));
      await Promise.race([queue.flushed(), gone.promise]);
      if (socket.writableNeedDrain) await Promise.race([drained(socket), gone.promise]);
      if (socket.destroyed) return;
    }
    output.historyDone();
    if ((await Promise.race([live, gone.promise])) === undefined || !stdio) return;
    const detached = takeInput(socket, stdio, streams, options);
    const typed = detached.then(() => streams.detached());
    await Promise.race([stdio.ended.then(() => output.flushed()).then(() => options.afterEnd), gone.promise, typed]);
  } finally {
    over = true;
    stdio?.detach();
    output.close();
    socket.end();
  }
}

/** Writes to the client: what is live waits until the history is out. Without one it waits for the client, but not for long. */
function createOutput(socket: Duplex, queue: OutputQueue, unframed: boolean, wants: StdioOptions, hasHistory: boolean) {
  let waiting: [stream: 'stdout' | 'stderr', data: Uint8Array][] | undefined = [];
  let waitingBytes = 0;
  let closed = false;
  const batch = createOutputBatch(!unframed, (bytes, done) => queue.push(bytes, done));
  const send = (stream: 'stdout' | 'stderr', data: Uint8Array): void => {
    if (!closed && (stream === 'stdout' ? wants.stdout : wants.stderr)) batch.add(stream, data);
  };
  const release = (): void => {
    const held = waiting ?? [];
    waiting = undefined;
    for (const [stream, data] of held) send(stream, data);
  };
  return {
    live(stream: 'stdout' | 'stderr', data: Uint8Array): void {
      if (!waiting) {
        send(stream, data);
        return;
      }
      waitingBytes += data.length;
      if (waitingBytes > liveBound && hasHistory) {
        socket.destroy();
        return;
      }
      waiting.push([stream, Buffer.from(data)]);
      if (waitingBytes > liveBound) release();
    },
    /** The streams that were asked for, framed. */
    history: (data: Uint8Array): void => queue.push(data),
    historyDone: release,
    flushed(): Promise<void> {
      batch.flush();
      return queue.flushed();
    },
    close(): void {
      closed = true;
      waiting = undefined;
      batch.flush();
    },
  };
}

/** Passes the client's input on, with back-pressure. Resolves when the user typed the detach keys. */
function takeInput(
  socket: Duplex,
  stdio: AttachedStdio,
  streams: ContainerStreams,
  options: StdioOptions,
): Promise<void> {
  const detached = Promise.withResolvers<void>();
  if (!options.stdin) {
    socket.resume(); // nothing is expected, and its end must be seen
    return detached.promise;
  }
  const keys = streams.terminal ? createDetachMatcher(options.detachKeys) : undefined;
  const pass = (data: Uint8Array): void => {
    if (data.length === 0 || stdio.write(data)) return;
    socket.pause();
    void stdio.drained().then(() => socket.resume());
  };
  socket.on('data', (chunk: Buffer) => {
    if (!keys) {
      pass(chunk);
      return;
    }
    const found = keys.push(chunk);
    pass(found.data);
    if (found.detached) detached.resolve();
  });
  const end = (): void => {
    if (keys) pass(keys.flush());
    if (streams.closeInput) stdio.closeInput();
  };
  // a client without input may have ended it before the process was there
  if (socket.readableEnded) end();
  else socket.on('end', end);
  socket.resume();
  return detached.promise;
}

const drained = (socket: Duplex): Promise<void> => new Promise((resolve) => socket.once('drain', () => resolve()));
