import type { Descriptor } from '../api/oci/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import { asTugError, invalid, isKind, TugError } from '../base/errors.ts';
import { humanSize } from '../formats/bytes.ts';
import type { Repository } from '../registry-client/repository.ts';
import { delayAfter, isPassing, pause, type RetryPolicy } from '../registry-client/retry.ts';
import type { BlobWriter, ContentStore } from './content/contract.ts';
import type { Progress } from './contract.ts';
import { atMostEvery, type LayerProgress, layerProgress } from './pull-progress.ts';
import { createSharing } from './pull-sharing.ts';
import { createSlots } from './slots.ts';

export interface DownloadDeps {
  readonly content: ContentStore;
  readonly retry: RetryPolicy;
  /** How many blobs come in at once, over all pulls. */
  readonly concurrent: number;
}

/** Brings blobs into the content store; pulls that want the same blob share its download. */
export interface Downloads {
  /**
   * Fetches a blob unless it is there. Cut connections are resumed where they ended, within the retry policy's
   * bounds. Interrupted, it leaves the part that came, and the next call goes on from there. Resolves when it
   * is verified and of the store.
   * @throws not-found, unauthorized, unavailable (the part stays); invalid `digest-mismatch`, `size-mismatch`, exhausted (nothing stays).
   */
  fetch(blob: Descriptor, from: Repository, progress: Progress, signal: AbortSignal): Promise<void>;
}

export function createDownloads(deps: DownloadDeps): Downloads {
  const sharing = createSharing<void>({ retryOthers: true });
  const slots = createSlots(deps.concurrent);
  return {
    fetch: (blob, from, progress, signal) =>
      sharing.join(blob.digest, progress, signal, async (shared, sharedSignal) => {
        if (deps.content.has(blob.digest)) return;
        const layer = layerProgress(shared, blob.digest);
        if (slots.free() === 0) layer.say('Waiting');
        await slots.with(sharedSignal, () => download(deps, blob, from, layer, sharedSignal));
      }),
  };
}

/** Progress of at least this much makes the count of tries begin anew. */
const realProgress = 1024 * 1024;

async function download(
  deps: DownloadDeps,
  blob: Descriptor,
  from: Repository,
  layer: LayerProgress,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const writer = await deps.content.ingest(blob);
    const seen = { start: writer.offset, now: writer.offset };
    try {
      await copy(blob, from, writer, seen, layer, signal);
      layer.say('Verifying Checksum');
      await writer.commit();
      crashPoint('image.pull.blob-written');
      layer.say('Download complete');
      return;
    } catch (error) {
      const failure = asTugError(error);
      await writer.close(isPassing(failure) || isKind(failure, 'cancelled'));
      if (seen.start > 0 && isStalePart(failure)) continue; // the part kept from an earlier try was of no use
      if (seen.now - seen.start >= realProgress) attempt = 0;
      const wait = delayAfter(failure, Math.max(attempt, 1), deps.retry);
      if (wait === undefined) throw givenUp(failure, blob, seen.now, attempt);
      if (wait >= 1000) layer.say(`Retrying in ${Math.round(wait / 1000)} second${wait < 1500 ? '' : 's'}`);
      await pause(wait, signal);
    }
  }
}

async function copy(
  blob: Descriptor,
  from: Repository,
  writer: BlobWriter,
  seen: { start: number; now: number },
  layer: LayerProgress,
  signal: AbortSignal,
): Promise<void> {
  if (seen.now === blob.size) return;
  const answer = await from.fetchBlob(blob.digest, { offset: seen.now, signal });
  try {
    if (answer.total !== undefined && answer.total !== blob.size) throw sizeMismatch(blob, answer.total, from.host);
    if (answer.offset !== seen.now) {
      await writer.restart();
      seen.start = 0;
      seen.now = 0;
    }
    const due = atMostEvery(100);
    for await (const chunk of answer.bytes) {
      await writer.write(chunk);
      seen.now += chunk.length;
      if (due()) layer.bar('Downloading', seen.now, blob.size);
    }
  } finally {
    answer.discard();
  }
  if (seen.now < blob.size) {
    throw new TugError('unavailable', `registry ${from.host}: the connection was cut (end of data)`, {
      code: 'connection-cut',
    });
  }
}

function isStalePart(error: TugError): boolean {
  return error.code === 'bad-range' || error.code === 'digest-mismatch';
}

function sizeMismatch(blob: Descriptor, total: number, host: string): TugError {
  const text = `blob ${blob.digest} should have ${blob.size} bytes by the manifest, registry ${host} has ${total}`;
  return invalid(text, { code: 'size-mismatch' });
}

function givenUp(error: TugError, blob: Descriptor, have: number, attempts: number): TugError {
  if (error.code === 'digest-mismatch') {
    const text = `filesystem layer verification failed for digest ${blob.digest}: ${error.message}`;
    return invalid(text, { code: error.code, cause: error });
  }
  if (error.code !== 'connection-cut' && error.code !== 'registry-timeout') return error;
  const text =
    `the download of ${blob.digest} stopped at ${humanSize(have)} of ${humanSize(blob.size)} after ${attempts} tries: ` +
    `${error.message}: pull again to go on from there`;
  return new TugError('unavailable', text, { code: error.code, cause: error, details: error.details });
}
