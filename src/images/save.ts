import * as fs from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Descriptor, Platform } from '../api/oci/image.ts';
import { notFound } from '../base/errors.ts';
import { parseDigest, sha256 } from '../formats/digest.ts';
import { formatFamiliar, formatReference, parseReference, repositoryName } from '../formats/reference.ts';
import { paddingOf } from '../formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../formats/tar/writer.ts';
import { attachedIn } from './attestations.ts';
import type { LocalContentStore } from './content/store.ts';
import type { Image } from './contract.ts';
import { parseManifest } from './image-config.ts';
import { formatManifest } from './new-image.ts';
import { resolveVariant } from './platform-variant.ts';
import { isIdOf, resolveImage } from './resolve.ts';
import type { ImageState } from './store.ts';

export interface SaveDeps {
  readonly content: LocalContentStore;
  readonly state: ImageState;
}

/** An image to be written, with the names it is to have in the archive (normalised, with tags). */
interface Chosen {
  readonly image: Image;
  readonly tags: Set<string>;
}

/** A file of the archive: bytes, or a blob of the store. */
type Content = Buffer | { readonly digest: string; readonly size: number };

/**
 * Writes images into one tar that is an OCI layout and a docker-archive at once, as Docker does. Blobs go in as they
 * lie, so an image that was pulled keeps its manifest's digest. The same images give the same bytes. Ends `into`
 * when all is written; when it fails, `into` is destroyed, since what it got is no whole archive. Returns the ids of the images. With platforms, each
 * reference stands for its images for these.
 * @throws not-found for a reference, a platform of it or a blob that is missing, what `into` throws.
 */
export async function saveImages(
  deps: SaveDeps,
  references: readonly string[],
  into: Writable,
  signal: AbortSignal,
  platforms: readonly Platform[] = [],
): Promise<readonly string[]> {
  const files = new Map<string, Content>();
  const manifests: Descriptor[] = [];
  const listing: object[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  const chosen = choose(deps.state, references, platforms);
  for (const { image, tags } of chosen) {
    const { manifest, layers } = await addImage(deps, image, files);
    const names = [...tags].sort();
    manifests.push(...(names.length === 0 ? [manifest] : names.map((name) => annotated(manifest, name))));
    for (const name of names) addToRepositories(repositories, name, layers.at(-1)?.digest);
    listing.push({
      Config: blobName(image.id),
      RepoTags: names.length === 0 ? null : names.map((name) => formatFamiliar(parseReference(name))),
      Layers: layers.map(({ digest }) => blobName(digest)),
    });
  }
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  files.set('index.json', Buffer.from(JSON.stringify(index)));
  files.set('manifest.json', Buffer.from(JSON.stringify(listing)));
  if (Object.keys(repositories).length > 0) files.set('repositories', Buffer.from(JSON.stringify(repositories)));
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  await pipeline(Readable.from(archiveOf(deps.content, files), { objectMode: false }), into, { signal });
  return chosen.map(({ image }) => image.id);
}

/** The file `repositories` of the oldest readers: the topmost layer of each name, by repository and tag. */
function addToRepositories(into: Record<string, Record<string, string>>, tagged: string, top?: string): void {
  if (top === undefined) return;
  const { tag = 'latest', ...repository } = parseReference(tagged);
  const name = formatFamiliar(repository);
  into[name] = { ...into[name], [tag]: parseDigest(top).hex };
}

/** A name without a tag stands for all tags of its repository. */
function choose(state: ImageState, references: readonly string[], platforms: readonly Platform[]): Chosen[] {
  const chosen = new Map<string, Chosen>();
  const add = (text: string, tag?: string): void => {
    for (const platform of platforms.length > 0 ? platforms : [undefined]) {
      const image = resolveVariant(state, text, platform);
      const entry = chosen.get(image.id) ?? { image, tags: new Set<string>() };
      chosen.set(image.id, entry);
      if (tag !== undefined) entry.tags.add(tag);
    }
  };
  for (const text of references) {
    const tags = repositoryTags(state, text);
    for (const { name } of tags) add(formatFamiliar(parseReference(name)), name);
    if (tags.length > 0) continue;
    const isId = isIdOf(resolveImage(state, text).id, text);
    const name = isId ? undefined : parseReference(text);
    add(text, name?.tag === undefined || name.digest !== undefined ? undefined : formatReference(name));
  }
  return [...chosen.values()];
}

function repositoryTags(state: ImageState, text: string): { name: string; id: string }[] {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(text)) return [];
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined) return [];
  return state.tagsOf(repositoryName(reference));
}

function annotated(manifest: Descriptor, name: string): Descriptor {
  const { tag = '' } = parseReference(name);
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag };
  return { ...manifest, annotations };
}

/** Names the blobs of an image. Its own manifest goes in where all its layers are here as it says. */
async function addImage({ content, state }: SaveDeps, image: Image, files: Map<string, Content>) {
  const addBlob = (digest: string): void => {
    const size = content.size(digest);
    if (size === undefined) throw notFound(`image ${image.id} cannot be saved: its blob ${digest} is missing`);
    files.set(blobName(digest), { digest, size });
  };
  addBlob(image.id);
  const own = image.manifest && parseManifest(await content.read(image.manifest.digest));
  if (image.manifest && own?.layers.every(({ digest }) => content.has(digest))) {
    addBlob(image.manifest.digest);
    for (const { digest } of own.layers) addBlob(digest);
    const index = state.indexOf(image.id);
    const attached = await attachedIn(content, index);
    for (const one of attached) for (const { digest } of [one.manifest, one.config, ...one.statements]) addBlob(digest);
    if (!index || attached.length === 0) return { manifest: image.manifest, layers: own.layers };
    addBlob(index.digest);
    return { manifest: index, layers: own.layers };
  }
  const layers = image.layers.map((chainId) => {
    const layer = state.layer(chainId);
    if (!layer) throw notFound(`image ${image.id} cannot be saved: its layer ${chainId} is missing`);
    addBlob(layer.blob.digest);
    return layer.blob;
  });
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: image.id,
    size: content.size(image.id) ?? 0,
  };
  const bytes = formatManifest(config, layers);
  const digest = sha256(bytes);
  files.set(blobName(digest), bytes);
  return { manifest: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: bytes.length }, layers };
}

const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

async function* archiveOf(content: LocalContentStore, files: ReadonlyMap<string, Content>): AsyncGenerator<Buffer> {
  for (const folder of ['blobs/', 'blobs/sha256/']) yield formatEntry({ name: folder, type: 'directory', mode: 0o755 });
  for (const [name, file] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const size = Buffer.isBuffer(file) ? file.length : file.size;
    yield formatEntry({ name, type: 'file', mode: 0o644, size });
    if (Buffer.isBuffer(file)) yield file;
    else yield* fs.createReadStream(content.path(file.digest), { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>;
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
  }
  yield tarTrailer();
}
