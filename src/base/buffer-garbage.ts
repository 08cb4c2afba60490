import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Bytes of buffers after which the young generation is collected. V8 counts them to the old one: with 16 MiB an engine
 * whose heap happened to be small (24 MB) went through all of it after every second of these collections.
 */
const share = 4 * 1024 * 1024;

let made = 0;
let collect: Collect | undefined;

type Collect = (options: { type: 'minor' } | { type: 'major'; flavor: 'last-resort' }) => void;

/**
 * Has every thread collect its own young generation alone, for the whole process. The collections are short (half a
 * millisecond) and many while layers are unpacked; with helpers, V8 wakes four more threads for each, which on two
 * cores take the processor from those that unpack. Call it before other threads begin.
 */
export function collectAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
}

/**
 * Counts bytes of buffers that are made in passing and soon of no more use, and has V8 collect its young generation for
 * every 4 MiB of them, in less than half a millisecond. V8 by itself goes through its whole heap whenever 64 MiB of buffers
 * were made, as their content does not fill the young generation: for an archive of 700 MB some 15 times, which cost
 * more CPU time than hashing it. Cheap: call it for each buffer.
 */
export function countBuffer(bytes: number): void {
  made += bytes;
  if (made < share) return;
  made = 0;
  collect ??= exposeCollector();
  collect({ type: 'minor' });
}

/** Collects the whole heap of this thread and gives its free pages back. The thread waits: some 45 ms for an engine's. */
export function collectAll(): void {
  collect ??= exposeCollector();
  collect({ type: 'major', flavor: 'last-resort' });
}

/** The flag shows the function to contexts made after it is set. */
function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
