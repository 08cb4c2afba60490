import * as fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { errnoOf, notFound } from '../../base/errors.ts';
import type { StoredBlob } from '../contract.ts';
import { answerEmpty, type Exchange, header } from '../http/exchange.ts';
import { sendFile } from '../http/send-file.ts';
import { isFresh, rangeOf } from './conditions.ts';

const octets = 'application/octet-stream';

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`, with ranges. */
export async function getBlob(exchange: Exchange, name: string, digest: string): Promise<void> {
  const repository = await exchange.api.open(name);
  // Who asks whether it is there is about to push.
  const asks = exchange.request.method === 'HEAD' && !exchange.api.settings.readOnly;
  const held = asks ? repository.holdBlob : undefined;
  const blob = held ? await held(digest) : await repository.blob(digest);
  const headers = {
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'cache-control': 'max-age=31536000',
    'accept-ranges': 'bytes',
  };
  if (isFresh(exchange, digest)) {
    answerEmpty(exchange, 304, headers);
    return;
  }
  const range = header(exchange, 'if-range') === undefined ? rangeOf(header(exchange, 'range'), blob.size) : undefined;
  if (range === 'none') {
    answerEmpty(exchange, 416, { 'accept-ranges': 'bytes', 'content-range': `bytes */${blob.size}` });
    return;
  }
  const length = range ? range.end - range.start + 1 : blob.size;
  const part = range ? { 'content-range': `bytes ${range.start}-${range.end}/${blob.size}` } : {};
  const full = { ...headers, ...part, 'content-type': octets, 'content-length': length };
  if (exchange.request.method === 'HEAD') {
    exchange.response.writeHead(range ? 206 : 200, full);
    exchange.response.end();
    return;
  }
  await sendBlob(exchange, blob, range, full);
  exchange.happened({ action: 'pull', digest, mediaType: octets, size: blob.size });
}

/** The bytes are opened before the answer begins, so that a removal at the same time does not cut it. */
async function sendBlob(
  { response }: Exchange,
  blob: StoredBlob,
  range: { start: number; end: number } | undefined,
  headers: Record<string, string | number>,
): Promise<void> {
  const status = range ? 206 : 200;
  if (blob.localPath !== undefined) {
    const file = openBlob(blob.localPath);
    using _closed = { [Symbol.dispose]: () => fs.closeSync(file) };
    response.writeHead(status, headers);
    await sendFile(response, file, range?.start ?? 0, Number(headers['content-length']));
    return;
  }
  const data = await blob.read(range);
  response.writeHead(status, headers);
  await pipeline(data, response);
}

function openBlob(path: string): number {
  try {
    return fs.openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw notFound('the blob was removed', { code: 'blob-unknown', cause: error });
    throw error;
  }
}

/** `DELETE /v2/<name>/blobs/<digest>`: the blob is no longer one of this repository. */
export async function deleteBlob(exchange: Exchange, name: string, digest: string): Promise<void> {
  const repository = await exchange.api.open(name);
  const { size } = await repository.blob(digest);
  await repository.deleteBlob(digest);
  exchange.happened({ action: 'delete', digest, mediaType: octets, size });
  answerEmpty(exchange, 202);
}
