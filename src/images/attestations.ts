import { type Descriptor, type ImageManifest, mediaTypes, type Platform } from '../api/oci/image.ts';
import type { AttestationStatement } from '../api/types/image.ts';
import { unsupported } from '../base/errors.ts';
import type { ContentStore } from './content/contract.ts';
import type { Image } from './contract.ts';
import { parseIndex, parseManifest } from './image-config.ts';
import { formatManifest } from './new-image.ts';
import type { ImageState } from './store.ts';

// Where statements about an image lie: BuildKit's docs/attestations/attestation-storage.md. An index names the image's
// manifest and beside it one whose layers are in-toto statements (https://in-toto.io/Statement/v0.1).

/** What is stated of an image, without the image that it is of. */
export interface Claim {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** Statements that lie in the store, and the manifest that names them. */
export interface Attached {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly statements: readonly Descriptor[];
}

const statementType = 'application/vnd.in-toto+json';
const predicateKey = 'in-toto.io/predicate-type';

/** Writes claims about a manifest, and the index that joins both. Returns the index; `hold` is told of every blob before. */
export async function attach(
  content: ContentStore,
  hold: (digest: string) => void,
  { manifest, platform }: { readonly manifest: Descriptor; readonly platform: Platform },
  claims: readonly Claim[],
): Promise<Descriptor> {
  const put = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    const digest = await content.put(bytes);
    hold(digest);
    return { mediaType, digest, size: bytes.length };
  };
  const statements: Descriptor[] = [];
  for (const { predicateType, predicate } of claims) {
    const subject = [{ name: '_', digest: { sha256: manifest.digest.replace('sha256:', '') } }];
    const statement = { _type: 'https://in-toto.io/Statement/v0.1', predicateType, subject, predicate };
    const blob = await put(statementType, json(statement));
    statements.push({ ...blob, annotations: { [predicateKey]: predicateType } });
  }
  const { architecture, os, variant } = platform;
  const nowhere = { architecture: 'unknown', os: 'unknown' };
  const rootfs = { type: 'layers', diff_ids: statements.map(({ digest }) => digest) };
  const config = await put(mediaTypes.ociConfig, json({ ...nowhere, config: {}, rootfs }));
  const about = await put(mediaTypes.ociManifest, formatManifest(config, statements));
  const annotations = {
    'vnd.docker.reference.digest': manifest.digest,
    'vnd.docker.reference.type': 'attestation-manifest',
  };
  const manifests = [
    { ...manifest, platform: { architecture, os, ...(variant === undefined ? {} : { variant }) } },
    { ...about, annotations, platform: nowhere },
  ];
  return await put(mediaTypes.ociIndex, json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** The descriptors of an index that name statements, of one image or of all. */
const statedIn = (manifests: readonly Descriptor[], of?: string): Descriptor[] =>
  manifests.filter(
    ({ annotations }) =>
      annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' &&
      (of === undefined || annotations['vnd.docker.reference.digest'] === of),
  );

/** What is attached in an index and lies in the store. */
export async function attachedIn(content: ContentStore, index: Descriptor | undefined): Promise<Attached[]> {
  if (!index || !content.has(index.digest)) return [];
  const attached: Attached[] = [];
  for (const { digest, mediaType, size } of statedIn(parseIndex(await content.read(index.digest)).manifests)) {
    if (!content.has(digest)) continue;
    const { config, layers }: ImageManifest = parseManifest(await content.read(digest));
    if ([config, ...layers].every((blob) => content.has(blob.digest)))
      attached.push({ manifest: { mediaType, digest, size }, config, statements: layers });
  }
  return attached;
}

/** The same claims about another manifest of the same image: its index, or undefined where there are none. */
export async function attachAnew(
  content: ContentStore,
  hold: (digest: string) => void,
  index: Descriptor | undefined,
  image: { readonly manifest: Descriptor; readonly platform: Platform },
): Promise<Descriptor | undefined> {
  const claims: Claim[] = [];
  for (const { statements } of await attachedIn(content, index))
    for (const { digest } of statements) claims.push(JSON.parse((await content.read(digest)).toString()) as Claim);
  return claims.length === 0 ? undefined : await attach(content, hold, image, claims);
}

/** Which statements are asked for. */
export interface WantedStatements {
  /** Types of predicates; all without any. */
  readonly types: readonly string[];
  /** Also what they say. */
  readonly whole: boolean;
}

/**
 * The statements that are attached to an image. A pull brings none along, so an image whose index names some is
 * refused. @throws unsupported then.
 */
export async function attestationsOf(
  { content, state }: { content: ContentStore; state: ImageState },
  image: Image,
  { types, whole }: WantedStatements = { types: [], whole: false },
): Promise<AttestationStatement[]> {
  const index = state.indexOf(image.id);
  if (!index || !content.has(index.digest)) return [];
  const [first] = statedIn(parseIndex(await content.read(index.digest)).manifests, image.manifest?.digest ?? '');
  if (!first) return [];
  const attached = await attachedIn(content, index);
  if (attached.length === 0) {
    const what = `image ${image.id} has attestations (${first.digest}), which were not fetched with it`;
    throw unsupported(`${what}: reading attestations is not available in this version of tug`, { code: 'not-built' });
  }
  const found: AttestationStatement[] = [];
  for (const blob of attached.flatMap(({ statements }) => statements)) {
    const type = blob.annotations?.[predicateKey] ?? '';
    if (types.length > 0 && !types.includes(type)) continue;
    const body = whole ? { Statement: JSON.parse((await content.read(blob.digest)).toString()) as object } : {};
    found.push({ Descriptor: blob, PredicateType: type, ...body });
  }
  return found;
}
