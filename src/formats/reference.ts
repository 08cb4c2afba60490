import { invalid } from '../base/errors.ts';
import { parseDigest } from './digest.ts';

/**
 * The name of an image, normalised: `busybox` has domain `docker.io` and path `library/busybox`. The grammar is
 * that of the distribution project's `reference` package, which Docker, containerd and podman share.
 */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

/** The domain that a name without one belongs to. */
export const defaultDomain = 'docker.io';
export const defaultTag = 'latest';

const legacyDefaultDomain = 'index.docker.io';
const officialPrefix = 'library/';
const longestPath = 255;

const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const host = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])`;
const pathComponent = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const tagText = '\\w[\\w.-]{0,127}';
const digestText = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const grammar = new RegExp(
  `^(${host}(?::[0-9]+)?)/(${pathComponent}(?:/${pathComponent})*)(?::(${tagText}))?(?:@(${digestText}))?$`,
);
const anchoredTag = new RegExp(`^${tagText}$`);
const identifier = /^[a-f0-9]{64}$/;
// Longer than any valid reference; keeps hostile input away from the regular expression.
const longestReference = 4096;

/**
 * Parses what a user writes for an image: `[domain[:port]/]path[:tag][@digest]`.
 * @throws invalid in Docker's words, such as `invalid reference format`.
 */
export function parseReference(text: string): Reference {
  if (identifier.test(text)) {
    throw bad(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, remainder] = splitDomain(text);
  const [remote = ''] = remainder.split(':', 1);
  if (remote.toLowerCase() !== remote) {
    throw bad(`invalid reference format: repository name (${remote}) must be lowercase`);
  }
  const match = text.length > longestReference ? null : grammar.exec(`${domain}/${remainder}`);
  if (match === null) throw bad('invalid reference format');
  const [, matchedDomain, path, tag, digest] = match as unknown as [string, string, string, string?, string?];
  if (path.length > longestPath) throw bad(`repository name must not be more than ${longestPath} characters`);
  if (digest !== undefined) parseDigest(digest);
  return {
    domain: matchedDomain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** True for a name that says of which registry it is. */
export const namesDomain = (text: string): boolean => writtenDomain(text) !== undefined;

/** The part before the first slash is a domain if it looks like one: a dot, a port, `localhost` or upper case. */
function writtenDomain(text: string): string | undefined {
  const first = text.slice(0, Math.max(text.indexOf('/'), 0));
  return first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first ? first : undefined;
}

function splitDomain(text: string): [domain: string, remainder: string] {
  const written = writtenDomain(text);
  let domain = written ?? defaultDomain;
  let remainder = written === undefined ? text : text.slice(written.length + 1);
  if (domain === legacyDefaultDomain) domain = defaultDomain;
  if (domain === defaultDomain && !remainder.includes('/')) remainder = officialPrefix + remainder;
  return [domain, remainder];
}

/** The repository, normalised: `docker.io/library/busybox`. */
export function repositoryName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The repository as users see it: `busybox`, `user/app`, `localhost:5000/app`. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== defaultDomain) return repositoryName(reference);
  const rest = reference.path.startsWith(officialPrefix) ? reference.path.slice(officialPrefix.length) : undefined;
  return rest === undefined || rest.includes('/') ? reference.path : rest;
}

/** Normalised with tag and digest: `docker.io/library/busybox:latest`. */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference);
}

/** Familiar with tag and digest: `busybox:latest`. */
export function formatFamiliar(reference: Reference): string {
  return familiarName(reference) + suffix(reference);
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

/** The same reference, with the tag `latest` if it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: defaultTag } : reference;
}

/** The same repository with another tag and no digest. @throws invalid `invalid tag format`. */
export function withTag({ domain, path }: Reference, tag: string): Reference {
  if (!anchoredTag.test(tag)) throw bad('invalid tag format');
  return { domain, path, tag };
}

/** The same repository with a digest and no tag. @throws invalid for a malformed digest. */
export function withDigest({ domain, path }: Reference, digest: string): Reference {
  parseDigest(digest);
  return { domain, path, digest };
}

/** True for a whole image id without its algorithm: 64 hex digits. */
export function isImageIdentifier(text: string): boolean {
  return identifier.test(text);
}

function bad(message: string) {
  return invalid(message, { code: 'invalid-reference' });
}
