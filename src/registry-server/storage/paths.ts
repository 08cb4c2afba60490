import { invalid } from '../../base/errors.ts';
import { isDigest, parseDigest } from '../../formats/digest.ts';

/**
 * Where things lie in a registry's storage: the layout that CNCF distribution's registry and Docker's share
 * (registry/storage/paths.go describes it), so that the one serves what the other wrote. `_referrers` is tug's own
 * beside it.
 */
const root = '/docker/registry/v2';

/** The folder of all repositories. */
export const repositoriesRoot = `${root}/repositories`;
export const blobsRoot = `${root}/blobs`;

const longestName = 255;
const nameGrammar = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagGrammar = /^\w[\w.-]{0,127}$/;
const uploadGrammar = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a repository's name (distribution-spec, "Pulling manifests"). */
export const isRepositoryName = (text: string): boolean => text.length <= longestName && nameGrammar.test(text);
export const isTag = (text: string): boolean => tagGrammar.test(text);
export const isUploadId = (text: string): boolean => uploadGrammar.test(text);

/** @throws invalid `name-invalid`. */
export function checkName(name: string): string {
  if (isRepositoryName(name)) return name;
  throw invalid(`invalid repository name: ${JSON.stringify(name)}`, { code: 'name-invalid' });
}

/** @throws invalid `digest-invalid`: no path is ever made of anything else. */
export function checkDigest(digest: string): string {
  if (isDigest(digest)) return digest;
  throw invalid(`invalid digest: ${JSON.stringify(digest)}`, { code: 'digest-invalid' });
}

/** `sha256/ab12...` */
function spread(digest: string): string {
  const { algorithm, hex } = parseDigest(checkDigest(digest));
  return `${algorithm}/${hex}`;
}

const repository = (name: string): string => `${repositoriesRoot}/${checkName(name)}`;

/** The bytes of a blob or manifest, shared by all repositories. */
export function blobData(digest: string): string {
  const { algorithm, hex } = parseDigest(checkDigest(digest));
  return `${blobsRoot}/${algorithm}/${hex.slice(0, 2)}/${hex}/data`;
}

export const blobFolder = (digest: string): string => blobData(digest).slice(0, -'/data'.length);

/** Says that a blob is one of a repository; holds the digest. */
export const layerLink = (name: string, digest: string): string => `${repository(name)}/_layers/${spread(digest)}/link`;
export const layersFolder = (name: string): string => `${repository(name)}/_layers`;
export const revisionLink = (name: string, digest: string): string =>
  `${repository(name)}/_manifests/revisions/${spread(digest)}/link`;
/** Holds a folder for each algorithm, which holds one for each manifest. */
export const revisionsFolder = (name: string): string => `${repository(name)}/_manifests/revisions`;
export const tagsFolder = (name: string): string => `${repository(name)}/_manifests/tags`;

/** @throws invalid `tag-invalid`. */
export function tagFolder(name: string, tag: string): string {
  if (!isTag(tag)) throw invalid(`invalid tag name: ${JSON.stringify(tag)}`, { code: 'tag-invalid' });
  return `${tagsFolder(name)}/${tag}`;
}

/** Holds the digest that the tag stands for. */
export const tagLink = (name: string, tag: string): string => `${tagFolder(name, tag)}/current/link`;
/** One for each digest that the tag has ever stood for. */
export const tagIndexLink = (name: string, tag: string, digest: string): string =>
  `${tagFolder(name, tag)}/index/${spread(digest)}/link`;

export const uploadsFolder = (name: string): string => `${repository(name)}/_uploads`;

/** @throws invalid `blob-upload-invalid`. */
export function uploadFolder(name: string, id: string): string {
  if (!isUploadId(id)) throw invalid(`invalid upload id: ${JSON.stringify(id)}`, { code: 'blob-upload-invalid' });
  return `${uploadsFolder(name)}/${id}`;
}

/** Holds the entries of what refers to a manifest, each under its own digest. */
export const referrersFolder = (name: string, subject: string): string =>
  `${repository(name)}/_referrers/${spread(subject)}`;
export const referrerEntry = (name: string, subject: string, digest: string): string =>
  `${referrersFolder(name, subject)}/${spread(digest)}/entry`;
