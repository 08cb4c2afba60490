import * as fs from 'node:fs';
import type { Readable } from 'node:stream';
import type { Descriptor, ImageConfigBlob, Platform } from '../api/oci/image.ts';
import { mediaTypes } from '../api/oci/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import { invalid, notFound, unsupported } from '../base/errors.ts';
import { shortId } from '../base/ids.ts';
import { chainIds } from '../formats/digest.ts';
import { formatPlatform } from '../formats/platform.ts';
import { formatFamiliar, parseReference } from '../formats/reference.ts';
import { type ArchivedImage, readContents } from './archive/contents.ts';
import { type Members, readMembers } from './archive/members.ts';
import type { Arriving, ArrivingUnpacker, LayerUnpacker } from './content/contract.ts';
import type { SpooledBlob } from './content/spool.ts';
import type { LocalContentStore } from './content/store.ts';
import type { LoadedImage, Progress } from './contract.ts';
import { checkDepth } from './depth.ts';
import type { CollectorDeps } from './gc.ts';
import { parseImageConfig } from './image-config.ts';
import type { ImageEvents } from './image-events.ts';
import { createEarlyLayers, type EarlyLayers } from './load-early.ts';
import { writeImage } from './new-image.ts';
import { type Operation, withOperation } from './operation.ts';
import { isForPlatform } from './platform-variant.ts';
import { detectCompression } from './unpack/decompress.ts';
import type { UnpackLimits } from './unpack/layer.ts';

export interface LoadDeps extends CollectorDeps {
  readonly content: LocalContentStore;
  readonly unpacker: LayerUnpacker & ArrivingUnpacker;
  readonly limits: UnpackLimits;
  readonly events: ImageEvents;
}

/**
 * Loads the images of an archive: a docker-archive or an OCI layout in a tar, plain or compressed. The layers of an
 * image are unpacked side by side, large ones while the archive is still read. An image is recorded when it is whole; when a later one fails, it stays. With
 * platforms, only the images for these are loaded.
 * @throws not-found when the archive has none for one of the platforms; invalid `bad-archive`, `digest-mismatch`, `diff-id-mismatch`; exhausted when the disk is full.
 */
export function loadImages(
  deps: LoadDeps,
  archive: Readable,
  progress: Progress,
  signal: AbortSignal,
  platforms: readonly Platform[] = [],
): Promise<LoadedImage[]> {
  return withOperation(deps, 'load', async (operation) => {
    const early = createEarlyLayers(deps, signal);
    let members: Members | undefined;
    try {
      members = await readMembers(deps.content, archive, signal, deps.limits, early.begin);
      const loaded: LoadedImage[] = [];
      for (const image of await chooseForPlatforms(members, platforms)) {
        loaded.push(await loadImage({ ...deps, members, early, operation, progress, signal }, image));
      }
      return loaded;
    } finally {
      await early.discard();
      await members?.discard();
    }
  });
}

async function chooseForPlatforms(members: Members, platforms: readonly Platform[]): Promise<ArchivedImage[]> {
  const all = await readContents(members, platforms);
  if (platforms.length === 0) return all;
  const configs = await Promise.all(all.map(async ({ config }) => parseImageConfig(await members.read(config))));
  const matches = (config: ImageConfigBlob) => (platform: Platform) => isForPlatform(config, platform);
  for (const platform of platforms) {
    if (configs.some((config) => matches(config)(platform))) continue;
    throw notFound(`no images providing the requested platform ${formatPlatform(platform)} found`, {
      code: 'no-such-platform',
    });
  }
  return all.filter((_, at) => platforms.some(matches(configs[at]!)));
}

interface Load extends LoadDeps {
  readonly members: Members;
  readonly early: EarlyLayers;
  readonly operation: Operation;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function loadImage(load: Load, image: ArchivedImage): Promise<LoadedImage> {
  const { members, operation, state } = load;
  const configBytes = await members.read(image.config);
  const diffIds = parseImageConfig(configBytes).rootfs.diff_ids;
  if (diffIds.length !== image.layers.length) {
    throw invalid(`the image has ${image.layers.length} layers, its configuration tells of ${diffIds.length}`, {
      code: 'bad-archive',
    });
  }
  checkDepth(diffIds.length);
  const chain = chainIds(diffIds);
  operation.holdLayers(chain);
  const layers = await bringLayers(load, image, diffIds, chain);
  const written = await keepManifest(load, image, configBytes, layers);
  const moved = image.tags.map((tag) => ({ tag, from: state.byName(tag) }));
  await state.record({ ...written, tags: image.tags, digests: [] });
  crashPoint('image.load.recorded');
  for (const { tag, from } of moved) {
    if (from === undefined || from === written.id) continue;
    const stream = `The image ${familiar(tag)} already exists, renaming the old one with ID ${from} to empty string\n`;
    load.progress({ stream });
  }
  announce(load, written.id, image.tags);
  return { id: written.id, tags: image.tags.map(familiar) };
}

function announce(load: Load, id: string, tags: readonly string[]): void {
  for (const tag of tags) {
    load.progress({ stream: `Loaded image: ${familiar(tag)}\n` });
  }
  if (tags.length === 0) load.progress({ stream: `Loaded image ID: ${id}\n` });
  load.events.publish('load', id, id);
}

const familiar = (name: string): string => formatFamiliar(parseReference(name));

/** Makes the layers' files blobs of the store, and unpacks each while the next is on its way; returns what they are. */
async function bringLayers(
  load: Load,
  image: ArchivedImage,
  diffIds: readonly string[],
  chain: readonly string[],
): Promise<Descriptor[]> {
  const group = new AbortController();
  const signal = AbortSignal.any([load.signal, group.signal]);
  const blobs: Descriptor[] = [];
  const unpacking: Promise<void>[] = [];
  try {
    for (const [at, name] of image.layers.entries()) {
      signal.throwIfAborted();
      const { blob, arriving } = await keepLayer(load, name, image.descriptors?.[at]);
      blobs.push(blob);
      const work = unpackLayer(load, blob, arriving, {
        diffId: diffIds[at] ?? '',
        parents: chain.slice(0, at),
        signal,
      });
      work.catch((error: unknown) => group.abort(error));
      unpacking.push(work);
    }
    await Promise.all(unpacking);
    return blobs;
  } catch (error) {
    group.abort(error);
    await Promise.allSettled(unpacking);
    throw group.signal.reason;
  }
}

interface KeptLayer {
  readonly blob: Descriptor;
  readonly arriving: Arriving | undefined;
}

async function keepLayer(load: Load, name: string, expected: Descriptor | undefined): Promise<KeptLayer> {
  const file = load.members.get(name);
  if (!file) throw invalid(`the archive has no ${name}, which its manifest names as a layer`, { code: 'bad-archive' });
  if (expected) checkDigest(expected, file);
  load.operation.holdBlob(file.digest);
  const arriving = await load.early.take(file);
  await file.keep();
  return { blob: expected ?? { mediaType: layerType(file), digest: file.digest, size: file.size }, arriving };
}

async function unpackLayer(
  { unpacker, progress }: Load,
  blob: Descriptor,
  arriving: Arriving | undefined,
  { diffId, parents, signal }: { diffId: string; parents: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const id = shortId(diffId);
  const tell = (current: number, total: number): void =>
    progress({ status: 'Loading layer', id, progressDetail: { current, total } });
  await unpacker.unpack(blob, diffId, parents, signal, tell, { verified: true, arriving });
  tell(blob.size, blob.size);
}

function checkDigest(expected: Descriptor, file: SpooledBlob): void {
  if (expected.digest === file.digest) return;
  throw invalid(`blob ${expected.digest} of the archive is damaged: its content has the digest ${file.digest}`, {
    code: 'digest-mismatch',
  });
}

function layerType(file: SpooledBlob): string {
  const start = Buffer.alloc(8);
  const fd = fs.openSync(file.file(), 'r');
  try {
    fs.readSync(fd, start, 0, start.length, 0);
  } finally {
    fs.closeSync(fd);
  }
  const compression = detectCompression(start);
  if (compression === 'none') return mediaTypes.ociLayer;
  if (compression === 'gzip') return mediaTypes.ociLayerGzip;
  if (compression === 'zstd') return mediaTypes.ociLayerZstd;
  throw unsupported(`a layer of the archive is compressed with ${compression}: layers may be plain, gzip or zstd`, {
    code: 'compression',
  });
}

/** Keeps the archive's own manifest where it has one, so that the image's digest stays; else makes one. */
async function keepManifest(load: Load, image: ArchivedImage, config: Buffer, layers: readonly Descriptor[]) {
  const { content, members, operation } = load;
  if (!image.manifest) return writeImage(content, operation, config, layers);
  const id = await content.put(config);
  operation.holdBlob(id);
  const keep = async (descriptor: Descriptor): Promise<void> => {
    const bytes = await members.read(`blobs/${descriptor.digest.replace(':', '/')}`);
    const digest = await content.put(bytes);
    operation.holdBlob(digest);
    if (digest !== descriptor.digest) {
      throw invalid(`blob ${descriptor.digest} of the archive is damaged`, { code: 'digest-mismatch' });
    }
  };
  await keep(image.manifest);
  if (image.index) await keep(image.index);
  return { id, manifest: image.manifest, ...(image.index ? { index: image.index } : {}) };
}
