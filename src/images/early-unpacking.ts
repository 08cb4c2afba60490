import type { Arriving, ArrivingLayer, ArrivingUnpacker } from './content/contract.ts';

/** Unpacks a file that is on its way in as a layer, once enough of it is there to be worth a thread. */
export interface EarlyUnpacking {
  /** Tells that so many more bytes were written to the file. */
  grew(bytes: number): void;
  /** Tells that the file is whole. */
  ended(): void;
  /** What was begun; the file may change its name now. Call it after `ended`. */
  settle(): Promise<Arriving | undefined>;
  /** Ends it and removes what it made, unless it was taken. Idempotent. */
  abandon(): Promise<void>;
}

export interface EarlyDeps {
  readonly unpacker: ArrivingUnpacker;
  readonly file: string;
  readonly below: ArrivingLayer['below'];
  /** Bytes from which on it is unpacked: well over what its writer holds back. */
  readonly from: number;
  readonly signal: AbortSignal;
  /** Hears that it cannot be unpacked. */
  readonly failed: (error: unknown) => void;
}

/** Bytes of a layer that is worth unpacking while it comes in. */
export const largeLayer = 8 * 1024 * 1024;

export function createEarlyUnpacking({ unpacker, file, below, from, signal, failed }: EarlyDeps): EarlyUnpacking {
  const whole = new SharedArrayBuffer(4);
  let size = 0;
  let arriving: Arriving | undefined;
  return {
    grew(bytes) {
      size += bytes;
      if (arriving || size < from) return;
      arriving = unpacker.beginArriving({ file, whole, below }, signal);
      arriving.done.catch(failed);
    },
    ended: () => void Atomics.store(new Int32Array(whole), 0, 1),
    async settle() {
      await arriving?.settled();
      return arriving;
    },
    abandon: async () => arriving?.abandon(),
  };
}
