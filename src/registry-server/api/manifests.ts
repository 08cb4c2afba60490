import { invalid } from '../../base/errors.ts';
import { isDigest } from '../../formats/digest.ts';
import type { Repository, StoredManifest } from '../contract.ts';
import { answerEmpty, type Exchange, header, location, readBody } from '../http/exchange.ts';
import { unknownManifest } from '../storage/manifests.ts';
import { checkDigest } from '../storage/paths.ts';
import { isFresh } from './conditions.ts';
import { accepts, chooseForClient } from './negotiation.ts';

/** The largest manifest that is kept (distribution-spec, "Pushing Manifests": at least 4 MB). */
const largestManifest = 4 * 1024 * 1024;

/** `GET` and `HEAD /v2/<name>/manifests/<reference>`. */
export async function getManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
  const repository = await exchange.api.open(name);
  checkReference(reference);
  const manifest = await chooseForClient(exchange, repository, reference, await repository.manifest(reference));
  if (!accepts(exchange, manifest.mediaType)) {
    throw unknownManifest(`${reference} is a ${manifest.mediaType}, which the Accept header does not take`);
  }
  answerManifest(exchange, manifest);
  const { digest, mediaType, content } = manifest;
  const tag = isDigest(reference) ? {} : { tag: reference };
  if (exchange.request.method === 'GET') {
    exchange.happened({ action: 'pull', digest, mediaType, size: content.length, ...tag });
  }
}

function checkReference(reference: string): void {
  if (reference.includes(':')) checkDigest(reference);
}

function answerManifest(exchange: Exchange, { digest, mediaType, content }: StoredManifest): void {
  const headers = { 'docker-content-digest': digest, etag: `"${digest}"` };
  if (isFresh(exchange, digest)) {
    answerEmpty(exchange, 304, headers);
    return;
  }
  exchange.response.writeHead(200, { ...headers, 'content-type': mediaType, 'content-length': content.length });
  exchange.response.end(exchange.request.method === 'HEAD' ? undefined : content);
}

/** `PUT /v2/<name>/manifests/<reference>`. */
export async function putManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
  const repository = await exchange.api.open(name);
  checkReference(reference);
  const content = await readBody(exchange, largestManifest, 'manifest-too-large');
  if (content.length === 0) throw invalid('manifest invalid: it is empty', { code: 'manifest-invalid' });
  const declared = header(exchange, 'content-type')?.split(';', 1)[0]?.trim() ?? '';
  const { digest, subject } = await repository.putManifest(reference, declared, content);
  const { mediaType } = await repository.manifest(digest);
  const warning = subject ? { 'oci-subject': subject, ...(await warnOfSubject(repository, subject)) } : {};
  const tag = isDigest(reference) ? {} : { tag: reference };
  exchange.happened({ action: 'push', digest, mediaType, size: content.length, ...tag });
  answerEmpty(exchange, 201, {
    location: location(exchange, `${name}/manifests/${digest}`),
    'docker-content-digest': digest,
    ...warning,
  });
}

/** A subject may come later, or never (distribution-spec, "Warnings"). */
async function warnOfSubject(repository: Repository, subject: string): Promise<Record<string, string>> {
  try {
    await repository.manifest(subject);
    return {};
  } catch {
    return { warning: `299 - "the subject ${subject} is not in this repository"` };
  }
}

/** `DELETE /v2/<name>/manifests/<reference>`: a manifest with its tags, or a tag alone. */
export async function deleteManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
  const repository = await exchange.api.open(name);
  checkReference(reference);
  const { digest, mediaType, content } = await repository.manifest(reference);
  if (isDigest(reference)) await repository.deleteManifest(reference);
  else await repository.deleteTag(reference);
  const tag = isDigest(reference) ? {} : { tag: reference };
  exchange.happened({ action: 'delete', digest, mediaType, size: content.length, ...tag });
  answerEmpty(exchange, 202);
}
