import * as z from 'zod';
import type { Descriptor, Platform } from '../../api/oci/image.ts';
import { mediaTypes } from '../../api/oci/image.ts';
import { invalid, isKind } from '../../base/errors.ts';
import { isDigest } from '../../formats/digest.ts';
import { hostPlatform } from '../../formats/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../../formats/reference.ts';
import { parseIndex, parseManifest } from '../image-config.ts';
import { isForPlatform } from '../platform-variant.ts';
import { selectManifest } from '../pull-platform.ts';
import type { Members } from './members.ts';

/** An image as an archive describes it; the names are those of its files in the archive. */
export interface ArchivedImage {
  readonly config: string;
  /** Bottom first. */
  readonly layers: readonly string[];
  /** What the layers are said to be, where a manifest says it. */
  readonly descriptors: readonly Descriptor[] | undefined;
  /** Normalised names with tags. */
  readonly tags: string[];
  readonly manifest: Descriptor | undefined;
  readonly index: Descriptor | undefined;
}

/**
 * What images an archive holds. The docker-archive's `manifest.json` counts, with the OCI manifests of `index.json`
 * where they describe the same image, so that digests survive; an OCI layout without it is read by its index. Of an
 * index within, the image for this host counts; with platforms, those for these, and then also what `manifest.json`,
 * which can name one platform only, leaves out.
 * @throws invalid `bad-archive` for an archive that is neither.
 */
export async function readContents(members: Members, platforms: readonly Platform[] = []): Promise<ArchivedImage[]> {
  const isLayout = members.get('index.json') && members.get('oci-layout');
  const oci = isLayout ? await readOciLayout(members, platforms) : [];
  if (!members.get('manifest.json')) {
    if (oci.length > 0) return oci;
    throw invalid('the archive holds no image: it has neither a manifest.json nor an index.json that names one', {
      code: 'bad-archive',
    });
  }
  const docker = await readDockerArchive(members);
  const idOf = ({ config }: ArchivedImage) => members.get(config)?.digest;
  const merged = docker.map((image) => {
    const same = oci.find((other) => idOf(other) === idOf(image));
    return same ? { ...same, tags: image.tags } : image;
  });
  if (platforms.length === 0) return merged;
  return [...merged, ...oci.filter((image) => !merged.some((other) => idOf(other) === idOf(image)))];
}

const dockerManifest = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullish() }),
);

async function readDockerArchive(members: Members): Promise<ArchivedImage[]> {
  const parsed = dockerManifest.safeParse(parseJson(await members.read('manifest.json'), 'manifest.json'));
  if (!parsed.success) throw invalid('the manifest.json of the archive is malformed', { code: 'bad-archive' });
  return parsed.data.map(({ Config, RepoTags, Layers }) => ({
    config: Config,
    layers: Layers ?? [],
    descriptors: undefined,
    tags: (RepoTags ?? []).map((tag) => formatReference(withDefaultTag(parseReference(tag)))),
    manifest: undefined,
    index: undefined,
  }));
}

function parseJson(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw invalid(`the ${name} of the archive is not JSON`, { code: 'bad-archive', cause: error });
  }
}

const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerList];
const manifestTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];

async function readOciLayout(members: Members, platforms: readonly Platform[]): Promise<ArchivedImage[]> {
  const images = new Map<string, ArchivedImage>();
  for (const entry of parseIndex(await members.read('index.json')).manifests) {
    for (const image of await readEntry(members, entry, platforms)) {
      const known = images.get(image.manifest?.digest ?? '');
      if (known) known.tags.push(...image.tags);
      else images.set(image.manifest?.digest ?? '', image);
    }
  }
  return [...images.values()];
}

/** The images that an entry of the layout's index stands for: one, or those of an index within for the platforms. */
async function readEntry(
  members: Members,
  entry: Descriptor,
  platforms: readonly Platform[],
): Promise<ArchivedImage[]> {
  const found: (ArchivedImage | undefined)[] = [];
  if (indexTypes.includes(entry.mediaType)) {
    const { manifests } = parseIndex(await members.read(blobName(entry.digest)));
    const chosen =
      platforms.length === 0
        ? [selectManifest(manifests, hostPlatform())]
        : manifests.filter(({ platform: its }) => platforms.some((one) => its && isForPlatform(its, one)));
    for (const manifest of chosen) found.push(await readOciImage(members, entry, plain(manifest), plain(entry)));
  } else found.push(await readOciImage(members, entry, plain(entry), undefined));
  return found.filter((image) => image !== undefined);
}

async function readOciImage(
  members: Members,
  entry: Descriptor,
  manifest: Descriptor,
  index: Descriptor | undefined,
): Promise<ArchivedImage | undefined> {
  if (!manifestTypes.includes(manifest.mediaType)) return undefined;
  const { config, layers } = parseManifest(await members.read(blobName(manifest.digest)));
  return {
    config: blobName(config.digest),
    layers: layers.map(({ digest }) => blobName(digest)),
    descriptors: layers,
    tags: nameOf(entry),
    manifest,
    index,
  };
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function blobName(digest: string): string {
  if (!isDigest(digest)) throw invalid(`not a digest: ${digest}`, { code: 'bad-archive' });
  return `blobs/${digest.replace(':', '/')}`;
}

/** containerd and Docker write the whole name beside the tag; other tools may put it where the tag belongs. */
function nameOf({ annotations = {} }: Descriptor): string[] {
  const whole = annotations['io.containerd.image.name'];
  const short = annotations['org.opencontainers.image.ref.name'];
  const name = whole ?? (short !== undefined && /[/:]/.test(short) ? short : undefined);
  if (name === undefined) return [];
  try {
    return [formatReference(withDefaultTag(parseReference(name)))];
  } catch (error) {
    if (isKind(error, 'invalid')) return [];
    throw error;
  }
}
