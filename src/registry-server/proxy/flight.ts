import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { TugError } from '../../base/errors.ts';
import { parseDigest } from '../../formats/digest.ts';
import type { BlobAnswer } from '../../registry-client/repository.ts';
import type { RetryPolicy } from '../../registry-client/retry.ts';
import type { ByteRange, StoredBlob } from '../contract.ts';
import { type FetchFrom, resumedBytes } from './resumed.ts';
import { type Growing, GrowingReader, openSpool, type Spool } from './spool.ts';

export interface FlightOptions {
  readonly digest: string;
  /** The first request, tried as often as is sensible. */
  readonly fetchFirst: () => Promise<BlobAnswer>;
  /** Later ones, each tried once. */
  readonly fetchFrom: FetchFrom;
  /** Puts the verified bytes where they stay. */
  readonly keep: (bytes: Readable) => Promise<void>;
  /** Reads them from there. */
  readonly kept: () => Promise<StoredBlob>;
  /** Where bytes lie meanwhile. */
  readonly folder: string;
  readonly retry: RetryPolicy;
  readonly signal: AbortSignal;
}

/** A blob that is being fetched, and is read meanwhile. */
export interface Flight {
  /** Readers get the end of it when the digest was found right, or an error. */
  readonly blob: StoredBlob;
  /** Settles when the blob is kept. @throws why it is not; it may have been served all the same (code `not-kept`). */
  readonly landed: Promise<void>;
}

/** Bytes at the end that nobody gets before the digest was found right. */
const heldBack = 64 * 1024;
/** Blobs up to this size are fetched whole before anything is answered, so that an answer can say what is wrong. */
const small = 1024 * 1024;

/**
 * Begins fetching. Nothing of it depends on who reads. @throws what the first request to the upstream throws; for small
 * blobs and those of unknown size also what fetching throws.
 */
export async function startFlight(options: FlightOptions): Promise<Flight> {
  const first = await options.fetchFirst();
  const spool = await openSpool(options.folder).catch((error: unknown) => {
    first.discard();
    throw error;
  });
  const state = growing(spool);
  const bytes = resumedBytes(first, options.fetchFrom, options.retry, options.signal);
  const fetched = fetchInto(state, bytes, options.digest);
  const landed = land(state, fetched, options);
  landed.catch(() => {}); // whoever cares asks
  if (first.total === undefined || first.total <= small) await fetched;
  const size = first.total ?? state.written;
  return {
    blob: {
      size,
      read: async (range?: ByteRange) => {
        if (!spool.hold()) return (await options.kept()).read(range);
        return new GrowingReader(state, range?.start ?? 0, Math.min(range?.end ?? size - 1, size - 1) + 1);
      },
    },
    landed,
  };
}

interface State extends Growing {
  readonly written: number;
  grew(bytes: number): void;
  end(failure?: unknown): void;
}

function growing(spool: Spool): State {
  let written = 0;
  let ended = false;
  let failure: unknown;
  let change = Promise.withResolvers<void>();
  const tell = (): void => {
    change.resolve();
    change = Promise.withResolvers();
  };
  return {
    spool,
    get written() {
      return written;
    },
    ready() {
      if (failure !== undefined) throw failure;
      return ended ? written : Math.max(0, written - heldBack);
    },
    changed: () => change.promise,
    grew(bytes) {
      written += bytes;
      tell();
    },
    end(why) {
      failure = why;
      ended = true;
      tell();
    },
  };
}

async function fetchInto(state: State, chunks: AsyncIterable<Uint8Array>, digest: string): Promise<void> {
  try {
    const hash = createHash(parseDigest(digest).algorithm);
    for await (const bytes of chunks) {
      hash.update(bytes);
      await state.spool.write(bytes, state.written);
      state.grew(bytes.length);
    }
    const found = `${parseDigest(digest).algorithm}:${hash.digest('hex')}`;
    if (found !== digest) {
      const text = `the upstream registry sent bytes of digest ${found} for blob ${digest}`;
      throw new TugError('unavailable', text, { code: 'upstream-digest-mismatch' });
    }
    state.end();
  } catch (error) {
    state.end(error);
    throw error;
  }
}

async function land(state: State, fetched: Promise<void>, { keep }: FlightOptions): Promise<void> {
  try {
    await fetched;
    state.spool.hold();
    await keep(new GrowingReader(state, 0, state.written)).catch((cause: unknown) => {
      throw new TugError('unavailable', 'a blob was fetched and could not be kept', { code: 'not-kept', cause });
    });
  } finally {
    state.spool.release();
  }
}
