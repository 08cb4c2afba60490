import type { MemberWatch } from './archive/members.ts';
import type { Arriving, ArrivingUnpacker } from './content/contract.ts';
import type { BlobSpool, SpooledBlob } from './content/spool.ts';
import { createEarlyUnpacking, type EarlyUnpacking, largeLayer } from './early-unpacking.ts';
import type { SnapshotDriver } from './snapshots/contract.ts';
import type { ImageState } from './store.ts';
import { detectCompression } from './unpack/decompress.ts';

/** Layers of an archive that are unpacked while the rest of it is still read, before it is known what they stand on. */
export interface EarlyLayers {
  /** Looks at a file that is about to come. */
  begin(name: string, size: number, spool: BlobSpool): MemberWatch | undefined;
  /** What was begun of a file, which may change its name now; undefined when it was not. */
  take(file: SpooledBlob): Promise<Arriving | undefined>;
  /** Ends and removes what was not taken. Idempotent. */
  discard(): Promise<void>;
}

/** Bytes that are to be there before a thread begins. */
const firstPart = 2 * 1024 * 1024;

/** Drivers whose layers do not stand alone, and layers that are known to be there, have nothing begun early. */
export function createEarlyLayers(
  deps: { readonly unpacker: ArrivingUnpacker; readonly driver: SnapshotDriver; readonly state: ImageState },
  signal: AbortSignal,
): EarlyLayers {
  const { unpacker, driver, state } = deps;
  const begun = new Map<string, EarlyUnpacking>();
  const given = new AbortController();
  const both = AbortSignal.any([signal, given.signal]);
  const known = new Set(state.layers().flatMap(({ blob, diffId }) => [blob.digest, diffId]));
  /** In a layout files are named by their digests. */
  const isThere = (name: string): boolean => known.has(name.replace(/^blobs\/(\w+)\//, '$1:'));
  return {
    begin(name, size, spool) {
      if (!driver.standsAlone || size < largeLayer || isThere(name)) return undefined;
      const watch = { below: 'unknown', from: firstPart, failed: () => {}, signal: both } as const;
      const early = createEarlyUnpacking({ ...watch, unpacker, file: spool.file }); // a failure is met again, and told, when it is unpacked in its turn
      let isLayer: boolean | undefined;
      return {
        wrote(chunk) {
          isLayer ??= beginsLayer(chunk);
          if (isLayer) early.grew(chunk.length);
        },
        ended() {
          early.ended();
          begun.set(spool.file, early);
        },
        abandon: early.abandon,
      };
    },
    take: async (file) => begun.get(file.file())?.settle(),
    async discard() {
      given.abort();
      for (const early of begun.values()) await early.abandon();
    },
  };
}

/** POSIX's mark in the header of a tar's first entry. */
const tarMark = { offset: 257, text: 'ustar' };

function beginsLayer(start: Buffer): boolean {
  const compression = detectCompression(start);
  if (compression !== 'none') return compression === 'gzip' || compression === 'zstd';
  return start.toString('latin1', tarMark.offset, tarMark.offset + tarMark.text.length) === tarMark.text;
}
