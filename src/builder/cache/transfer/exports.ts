import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Descriptor, mediaTypes } from '../../../api/oci/image.ts';
import { crashPoint } from '../../../base/crash-points.ts';
import { asTugError, messageOf } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import type { CacheTo } from '../../../formats/build-cache-options.ts';
import type { Build } from '../../build-context.ts';
import type { BuildStep } from '../../contract.ts';
import { cacheField, cacheMountType, formatCache, type SentCache, type SentStep } from './format.ts';
import { loginFor } from './imports.ts';
import { type SentBlob, sendToClient, sendToRegistry } from './places.ts';

/** A step of this build, as another engine may want it. */
export interface UsedStep {
  readonly key: string;
  readonly description: string;
  readonly created: string;
  /** Chain-ids that it stands on; undefined for what is no layer's. */
  readonly below: readonly string[] | undefined;
  /** Chain-id of what it made; undefined where it changed no file. */
  readonly layer: string | undefined;
}

/** What a build did, in the order that it was done. */
export interface UsedCache {
  readonly steps: Map<string, UsedStep>;
  /** Folders of cache mounts, by their keys. */
  readonly mounts: Map<string, string>;
}

/** The steps that an image of these layers came from. */
const ownSteps = ({ steps }: UsedCache, layers: readonly string[]): UsedStep[] =>
  [...steps.values()].filter(
    ({ below, layer }) =>
      below === undefined ||
      (below.every((chainId, at) => layers[at] === chainId) &&
        (layer ?? layers[below.length - 1]) === layers[below.length - (layer === undefined ? 1 : 0)]),
  );

/** The field of an image's configuration for `type=inline`. */
export function inlineCache({ images }: Build, used: UsedCache, layers: readonly string[]): Record<string, SentCache> {
  const diffIdOf = (chainId: string): string | undefined => images.builds.layer(chainId)?.diffId;
  const steps = ownSteps(used, layers).map((step) => sent(step, step.layer && diffIdOf(step.layer)));
  return { [cacheField]: { steps, mounts: [] } };
}

const sent = ({ key, description, created }: UsedStep, layer: string | undefined): SentStep => ({
  ...{ key, description, created },
  ...(layer === undefined ? {} : { layer }),
});

/** Sends the steps of a build to where `--cache-to` says. @throws unless errors are to be ignored. */
export async function exportCache(
  build: Build,
  used: UsedCache,
  layers: readonly string[],
  to: CacheTo,
): Promise<void> {
  if (to.type === 'inline') return;
  const step: BuildStep = {
    ...{ digest: `sha256:${createHash('sha256').update(JSON.stringify(to)).digest('hex')}`, inputs: [] },
    ...{ number: 0, total: 0, label: '[internal]', works: true, text: `exporting cache to ${to.type}` },
  };
  build.listener.started(step);
  try {
    const made = await packCache(
      build,
      used,
      to.mode === 'max' ? [...used.steps.values()] : ownSteps(used, layers),
      to,
    );
    crashPoint('build.cache.packed');
    const { registries, request, signal } = build;
    if (to.type === 'registry')
      await sendToRegistry(
        await registries.client(),
        { ref: to.ref, auth: loginFor(to.ref, request.auths) },
        made,
        signal,
      );
    else if (request.session) await sendToClient(request.session, to.destination, made, signal);
    crashPoint('build.cache.sent');
    build.listener.done(step, { cached: false, id: '' });
  } catch (error) {
    build.listener.failed(step, error);
    if (!to.ignoreError || build.signal.aborted) throw asTugError(error);
    build.listener.warning(`the cache was not exported: ${messageOf(error)}`);
  }
}

async function packCache(build: Build, used: UsedCache, steps: readonly UsedStep[], { mounts }: CacheTo) {
  const { images, holder, signal, archiver } = build;
  const descriptors = new Map<string, Descriptor>();
  const blobs = new Map<string, SentBlob>();
  const add = (diffId: string, blob: SentBlob): void => {
    descriptors.set(diffId, blob.descriptor);
    blobs.set(blob.descriptor.digest, blob);
  };
  const list: SentStep[] = [];
  for (const step of steps) {
    const { below, layer } = step;
    if (below === undefined || layer === undefined) {
      list.push(sent(step, undefined));
      continue;
    }
    const { blob, diffId, file } = await images.builds.archive([...below, layer], { holder }, signal);
    list.push(sent(step, diffId));
    if (descriptors.has(diffId)) continue;
    if (blob.mediaType !== mediaTypes.ociLayer) add(diffId, { descriptor: blob, open: (at) => reading(file, at) });
    else add(diffId, await compress(build, fs.createReadStream(file), mediaTypes.ociLayerGzip));
  }
  const sentMounts: SentCache['mounts'][number][] = [];
  for (const [key, folder] of mounts ? used.mounts : []) {
    const into = new PassThrough();
    const fd = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    try {
      const sending = archiver.send(fd, into, signal).then(() => void into.end());
      const hash = createHash('sha256');
      const [blob] = await Promise.all([compress(build, into, cacheMountType, hash), sending]);
      const layer = `sha256:${hash.digest('hex')}`;
      add(layer, blob);
      sentMounts.push({ key, layer });
    } finally {
      into.destroy();
      fs.closeSync(fd);
    }
  }
  return { formatted: formatCache({ steps: list, mounts: sentMounts }, descriptors), blobs: [...blobs.values()] };
}

const reading = (file: string, at: number): Readable => fs.createReadStream(file, { start: at });

/** To a file of the build's. `plain` hears the bytes before. */
async function compress(
  { folder, signal }: Build,
  source: Readable,
  mediaType: string,
  plain?: { update(bytes: Buffer): unknown },
): Promise<SentBlob> {
  const file = path.join(folder, `cache-${newId()}`);
  const hash = createHash('sha256');
  let size = 0;
  await pipeline(
    source,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        plain?.update(chunk);
        yield chunk;
      }
    },
    createGzip({ level: 1 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    fs.createWriteStream(file, { mode: 0o600 }),
    { signal },
  );
  const descriptor = { mediaType, digest: `sha256:${hash.digest('hex')}`, size };
  return { descriptor, open: (at) => reading(file, at) };
}
