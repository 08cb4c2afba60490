import { isKind } from '../../base/errors.ts';
import { isDigest } from '../../formats/digest.ts';
import type { Repository, StoredBlob, Upload } from '../contract.ts';
import { answerEmpty, type Exchange, header, location } from '../http/exchange.ts';
import { checkDigest, isRepositoryName } from '../storage/paths.ts';
import { bodyOf, rangeStart } from './upload-body.ts';

/** `POST /v2/<name>/blobs/uploads/`: begins an upload, or mounts a blob, or takes one whole. */
export async function postUpload(exchange: Exchange, name: string): Promise<void> {
  const repository = await exchange.api.open(name);
  const { query } = exchange;
  const [mount, from, digest] = [query.get('mount'), query.get('from'), query.get('digest')];
  if (mount !== null && from !== null) {
    const mounted = await tryMount(exchange, repository, mount, from);
    if (mounted) {
      answerStored(exchange, name, mount, mounted, from);
      return;
    }
  }
  if (digest !== null) checkDigest(digest);
  const upload = await repository.startUpload();
  if (digest !== null) return await finish(exchange, name, upload, digest);
  answerProgress(exchange, 202, name, upload);
}

/** Undefined where the blob is not there, or not for this client: then it is uploaded. */
async function tryMount(
  { api, request }: Exchange,
  repository: Repository,
  digest: string,
  from: string,
): Promise<StoredBlob | undefined> {
  if (!isDigest(digest) || !isRepositoryName(from)) return undefined;
  try {
    await api.access.authorize(request, [{ repository: from, actions: ['pull'] }]);
  } catch (error) {
    if (isKind(error, 'unauthorized') || isKind(error, 'forbidden')) return undefined;
    throw error;
  }
  return await repository.mount(digest, from);
}

/** `GET /v2/<name>/blobs/uploads/<id>`: how far it has come. */
export async function getUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  const repository = await exchange.api.open(name);
  answerProgress(exchange, 204, name, await repository.upload(id));
}

/** `PATCH /v2/<name>/blobs/uploads/<id>`: the next bytes, or all of them as a stream. */
export async function patchUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  const repository = await exchange.api.open(name);
  const upload = await repository.upload(id);
  if (refusedRange(exchange, name, upload)) return;
  await upload.append(upload.size, bodyOf(exchange));
  answerProgress(exchange, 202, name, upload);
}

/** `PUT /v2/<name>/blobs/uploads/<id>?digest=`: the last bytes, if any, and what they should all be. */
export async function putUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  const repository = await exchange.api.open(name);
  const digest = checkDigest(exchange.query.get('digest') ?? '');
  const upload = await repository.upload(id);
  if (refusedRange(exchange, name, upload)) return;
  await finish(exchange, name, upload, digest);
}

/** `DELETE /v2/<name>/blobs/uploads/<id>`. */
export async function deleteUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  const repository = await exchange.api.open(name);
  const upload = await repository.upload(id);
  await upload.cancel();
  answerEmpty(exchange, 204, { 'docker-upload-uuid': id });
}

async function finish(exchange: Exchange, name: string, upload: Upload, digest: string): Promise<void> {
  if (hasBody(exchange)) await upload.append(upload.size, bodyOf(exchange));
  const blob = await upload.commit(digest);
  answerStored(exchange, name, digest, blob, undefined);
}

const hasBody = ({ request }: Exchange): boolean =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;

/** A chunk that does not go on where the upload ends is answered with where that is. */
function refusedRange(exchange: Exchange, name: string, upload: Upload): boolean {
  const start = rangeStart(header(exchange, 'content-range'));
  if (start === undefined || start === upload.size) return false;
  answerProgress(exchange, 416, name, upload);
  return true;
}

function answerProgress(exchange: Exchange, status: number, name: string, { id, size }: Upload): void {
  answerEmpty(exchange, status, {
    location: location(exchange, `${name}/blobs/uploads/${id}`),
    range: `0-${Math.max(size - 1, 0)}`,
    'docker-upload-uuid': id,
  });
}

function answerStored(
  exchange: Exchange,
  name: string,
  digest: string,
  blob: StoredBlob,
  from: string | undefined,
): void {
  const kept = { digest, mediaType: 'application/octet-stream', size: blob.size };
  exchange.happened(
    from === undefined ? { action: 'push', ...kept } : { action: 'mount', ...kept, fromRepository: from },
  );
  answerEmpty(exchange, 201, {
    location: location(exchange, `${name}/blobs/${digest}`),
    'docker-content-digest': digest,
  });
}
