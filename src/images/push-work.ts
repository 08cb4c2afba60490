import * as fs from 'node:fs';
import { type Descriptor, mediaTypes } from '../api/oci/image.ts';
import { countBuffer } from '../base/buffer-garbage.ts';
import { notFound } from '../base/errors.ts';
import type { Leases } from '../base/leases.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { PushTarget } from '../registry-client/push-target.ts';
import type { LocalContentStore } from './content/store.ts';
import { gzipFile } from './parallel-gzip.ts';
import { createDownloads, type Downloads } from './pull-download.ts';
import { atMostEvery, type LayerProgress } from './pull-progress.ts';
import { createSharing } from './pull-sharing.ts';
import { createSlots, type Slots } from './slots.ts';
import type { ImageState } from './store.ts';

export interface PushWorkDeps {
  readonly registries: RegistryClient;
  readonly content: LocalContentStore;
  readonly state: ImageState;
  readonly leases: Leases;
  readonly maxConcurrentUploads?: number;
}

/** What all pushes of an engine share: places for uploads, and layers that are being compressed. */
export interface PushWork {
  readonly slots: Slots;
  readonly downloads: Downloads;
  /** Sends a blob of the store. */
  send(blob: Descriptor, target: PushTarget, lines: LayerProgress, signal: AbortSignal): Promise<void>;
  /** Sends a configuration, unless it is there. */
  sendSmall(blob: Descriptor, target: PushTarget, push: { known: Set<string>; signal: AbortSignal }): Promise<void>;
  /**
   * A layer as gzip, in the store and leased to `holder`. Done once: the state then knows the layer by the new blob.
   * Callers at the same time share the work. @throws not-found without the plain blob, exhausted.
   */
  compress(plain: Descriptor, chainId: string, holder: string, signal: AbortSignal): Promise<Descriptor>;
  /** Whether blobs were replaced by compressed ones since it was asked last. */
  takeReplaced(): boolean;
}

const chunkSize = 256 * 1024;

export function createPushWork(deps: PushWorkDeps): PushWork {
  const { content, state } = deps;
  const concurrent = deps.maxConcurrentUploads ?? 5;
  const compressing = createSharing<Descriptor>();
  const turns = createSlots(1); // each uses all processors, and what is done first is sent first
  let replaced = false;
  const sourceOf = ({ digest, size }: Descriptor) => ({
    digest,
    size,
    open: (offset: number) => fs.createReadStream(content.path(digest), { start: offset, highWaterMark: chunkSize }),
  });
  return {
    slots: createSlots(concurrent),
    downloads: createDownloads({ content, retry: deps.registries.retry, concurrent }),
    async send(blob, target, lines, signal) {
      const due = atMostEvery(100);
      let counted = 0;
      const events = {
        sent: (bytes: number) => {
          countBuffer(Math.max(0, bytes - counted));
          counted = bytes;
          if (due()) lines.bar('Pushing', bytes, blob.size);
        },
        retry: (wait: number) => {
          if (wait >= 1000) lines.say(`Retrying in ${Math.round(wait / 1000)} second${wait < 1500 ? '' : 's'}`);
        },
      };
      await target.uploadBlob(sourceOf(blob), events, signal);
    },
    async sendSmall(blob, target, { known, signal }) {
      if (known.has(blob.digest) || (await target.hasBlob(blob.digest, signal))) return;
      if (!content.has(blob.digest)) throw notFound(`blob ${blob.digest} is missing`);
      await target.uploadBlob(sourceOf(blob), { sent: () => {}, retry: () => {} }, signal);
      known.add(blob.digest);
    },
    async compress(plain, chainId, holder, signal) {
      const known = state.layer(chainId);
      const isDone = known?.blob.mediaType === mediaTypes.ociLayerGzip && content.has(known.blob.digest);
      const blob = isDone
        ? known.blob
        : await compressing.join(
            plain.digest,
            () => {},
            signal,
            (_, shared) => gzip(content, plain, turns, shared),
          );
      deps.leases.acquire('operation', holder, 'blob', blob.digest);
      if (known && !isDone) {
        state.recordLayer({ ...known, blob });
        replaced = true;
      }
      return blob;
    },
    takeReplaced() {
      const was = replaced;
      replaced = false;
      return was;
    },
  };
}

async function gzip(
  content: LocalContentStore,
  plain: Descriptor,
  turns: Slots,
  signal: AbortSignal,
): Promise<Descriptor> {
  if (!content.has(plain.digest)) throw notFound(`blob ${plain.digest} is missing`);
  const spool = await content.spool();
  try {
    await turns.with(signal, async () => {
      for await (const chunk of gzipFile(content.path(plain.digest))) {
        signal.throwIfAborted();
        await spool.write(chunk);
      }
    });
    const blob = await spool.finish();
    await blob.keep();
    return { mediaType: mediaTypes.ociLayerGzip, digest: blob.digest, size: blob.size };
  } finally {
    await spool.discard();
  }
}
