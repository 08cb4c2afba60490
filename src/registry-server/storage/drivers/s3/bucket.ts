import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import type { ListMultipartUploadsCommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Section } from '../../../config/s3.ts';
import type { ByteRange } from '../../../contract.ts';
import { ifThere, storeErrors } from './errors.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/** A name in a listing: of an object, or of a folder, which is what keys with a `/` further on share. */
export interface Listed {
  readonly key: string;
  readonly folder: boolean;
  readonly size: number;
}

/** A stretch of an object that becomes part of another. */
export interface Piece {
  readonly key: string;
  readonly range?: Required<ByteRange>;
}

/** The requests that the driver makes of a store, by key. What is not there throws `not-found`. */
export interface Bucket {
  read(key: string, range?: ByteRange): Promise<Readable>;
  put(key: string, content: Uint8Array): Promise<void>;
  head(key: string): Promise<{ size: number; modified: Date } | undefined>;
  copy(from: string, to: string): Promise<void>;
  /** Of what is not there too. */
  delete(key: string): Promise<void>;
  /** In the order of keys, in constant memory. */
  list(options: { prefix: string; after?: string; deep?: boolean }): AsyncIterable<Listed>;
  /** Makes an object of several, in one step that others see; each but the last has 5 MiB at least. */
  join(to: string, pieces: readonly (Piece | Buffer)[]): Promise<void>;
  /** Joins that began before then and did not come to an end, of keys with that prefix. */
  unfinished(prefix: string, before: Date): AsyncIterable<Unfinished>;
  close(): void;
}

export interface Unfinished {
  readonly key: string;
  /** Idempotent. */
  abort(): Promise<void>;
}

/** As many requests as a registry has clients: a pull holds its connection for as long as the client takes. */
const connections = 2048;

/** A bucket by Amazon's own client, which is loaded with the first request: nobody else pays for its 40 MB of memory. */
export function openBucket(section: S3Section): Bucket {
  let loaded: Promise<{ sdk: Sdk; client: S3Client }> | undefined;
  const ready = (): Promise<{ sdk: Sdk; client: S3Client }> => {
    loaded ??= import('@aws-sdk/client-s3').then((sdk) => ({ sdk, client: new sdk.S3Client(clientOptions(section)) }));
    return loaded;
  };
  const guarded = storeErrors(section.bucket);
  return {
    read: (key, range) => guarded(key, async () => read(await ready(), section, key, range)),
    put: (key, content) => guarded(key, async () => put(await ready(), section, key, content)),
    head: (key) => guarded(key, async () => head(await ready(), section, key)),
    copy: (from, to) => guarded(from, async () => copy(await ready(), section, from, to)),
    delete: (key) =>
      guarded(key, async () => {
        const { sdk, client } = await ready();
        await client.send(new sdk.DeleteObjectCommand({ Bucket: section.bucket, Key: key }));
      }),
    list: (options) => list(ready, guarded, section, options),
    join: (to, pieces) => guarded(to, async () => join(await ready(), section, to, pieces)),
    unfinished: (prefix, before) => unfinished(ready, guarded, section, prefix, before),
    close: () => void loaded?.then(({ client }) => client.destroy()),
  };
}

type Ready = { readonly sdk: Sdk; readonly client: S3Client };

function clientOptions(section: S3Section): S3ClientConfig {
  const { accesskey, secretkey, sessiontoken, regionendpoint } = section;
  const bare = regionendpoint !== undefined && !/^https?:\/\//.test(regionendpoint);
  const endpoint = bare ? `${section.secure ? 'https' : 'http'}://${regionendpoint}` : regionendpoint;
  const agent = { keepAlive: true, maxSockets: connections };
  return {
    region: section.region ?? 'us-east-1',
    forcePathStyle: section.forcepathstyle ?? regionendpoint !== undefined,
    ...(endpoint !== undefined && { endpoint }),
    ...(accesskey !== undefined &&
      secretkey !== undefined && {
        credentials: {
          accessKeyId: accesskey,
          secretAccessKey: secretkey,
          ...(sessiontoken !== undefined && { sessionToken: sessiontoken }),
        },
      }),
    // Stores other than Amazon's do not all know the checksums that it has added.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, rejectUnauthorized: !section.skipverify }),
      connectionTimeout: 10_000,
    },
    maxAttempts: 4,
  };
}

/** How objects are kept, said with each request that makes one. */
function keeping({ encrypt, keyid, storageclass }: S3Section): Record<string, string> {
  return {
    ...(encrypt && { ServerSideEncryption: keyid === undefined ? 'AES256' : 'aws:kms' }),
    ...(keyid !== undefined && { SSEKMSKeyId: keyid }),
    ...(storageclass !== undefined && { StorageClass: storageclass }),
  };
}

async function read({ sdk, client }: Ready, { bucket }: S3Section, key: string, range?: ByteRange): Promise<Readable> {
  const Range = range && { Range: `bytes=${range.start}-${range.end ?? ''}` };
  const answer = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...Range }));
  return answer.Body as Readable;
}

async function put({ sdk, client }: Ready, section: S3Section, key: string, content: Uint8Array): Promise<void> {
  const request = { Bucket: section.bucket, Key: key, Body: content, ContentType: 'application/octet-stream' };
  await client.send(new sdk.PutObjectCommand({ ...request, ContentLength: content.length, ...keeping(section) }));
}

async function head(
  { sdk, client }: Ready,
  { bucket }: S3Section,
  key: string,
): Promise<{ size: number; modified: Date } | undefined> {
  try {
    const answer = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }));
    return { size: answer.ContentLength ?? 0, modified: answer.LastModified ?? new Date(0) };
  } catch (error) {
    if (error instanceof sdk.S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined;
    throw error;
  }
}

const source = (bucket: string, key: string): string =>
  `${encodeURIComponent(bucket)}/${key.split('/').map(encodeURIComponent).join('/')}`;

async function copy(ready: Ready, section: S3Section, from: string, to: string): Promise<void> {
  const { sdk, client } = ready;
  const { size } = (await head(ready, section, from)) ?? { size: 0 };
  if (size > section.multipartcopythresholdsize) {
    const pieces: Piece[] = [];
    // A last part may be small, no other.
    for (let start = 0; start < size; start += section.multipartcopychunksize) {
      const end = Math.min(start + section.multipartcopychunksize, size) - 1;
      pieces.push({ key: from, range: { start, end } });
    }
    return join(ready, section, to, pieces);
  }
  const request = { Bucket: section.bucket, Key: to, CopySource: source(section.bucket, from) };
  // Onto itself it is a change only if the store is told to replace what it knows of it.
  const replacing = from === to && { MetadataDirective: 'REPLACE' as const, ContentType: 'application/octet-stream' };
  await client.send(new sdk.CopyObjectCommand({ ...request, ...replacing, ...keeping(section) }));
}

async function* list(
  ready: () => Promise<Ready>,
  guarded: ReturnType<typeof storeErrors>,
  { bucket }: S3Section,
  { prefix, after, deep }: Parameters<Bucket['list']>[0],
): AsyncIterable<Listed> {
  let next: string | undefined;
  do {
    const page = await guarded(prefix, async () => {
      const { sdk, client } = await ready();
      const from = next === undefined ? after !== undefined && { StartAfter: after } : { ContinuationToken: next };
      const depth = !deep && { Delimiter: '/' };
      return client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...depth, ...from }));
    });
    const objects = (page.Contents ?? []).map(({ Key, Size }) => ({ key: Key ?? '', folder: false, size: Size ?? 0 }));
    const folders = (page.CommonPrefixes ?? []).map(({ Prefix }) => ({ key: Prefix ?? '', folder: true, size: 0 }));
    yield* [...objects, ...folders].sort((a, b) => (a.key < b.key ? -1 : 1));
    next = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (next !== undefined);
}

async function* unfinished(
  ready: () => Promise<Ready>,
  guarded: ReturnType<typeof storeErrors>,
  { bucket }: S3Section,
  prefix: string,
  before: Date,
): AsyncIterable<Unfinished> {
  let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (from) {
    const page: ListMultipartUploadsCommandOutput = await guarded(prefix, async () => {
      const { sdk, client } = await ready();
      return client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }));
    });
    for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? []) {
      if (Initiated === undefined || Initiated >= before) continue;
      const abort = async (): Promise<void> => {
        const { sdk, client } = await ready();
        await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
      };
      yield { key: Key, abort: () => ifThere(guarded(Key, abort)) };
    }
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    from = page.IsTruncated && KeyMarker ? { KeyMarker, ...(UploadIdMarker ? { UploadIdMarker } : {}) } : undefined;
  }
}

/** Killed before its last request, it leaves parts that nobody sees, until what is `unfinished` is aborted. */
async function join(ready: Ready, section: S3Section, to: string, pieces: readonly (Piece | Buffer)[]): Promise<void> {
  const { sdk, client } = ready;
  const object = { Bucket: section.bucket, Key: to };
  const begun = await client.send(new sdk.CreateMultipartUploadCommand({ ...object, ...keeping(section) }));
  const upload = { ...object, UploadId: begun.UploadId ?? '' };
  const store = async (piece: Piece | Buffer, index: number): Promise<{ PartNumber: number; ETag: string }> => {
    const part = { ...upload, PartNumber: index + 1 };
    if (Buffer.isBuffer(piece)) {
      const stored = await client.send(new sdk.UploadPartCommand({ ...part, Body: piece }));
      return { PartNumber: part.PartNumber, ETag: stored.ETag ?? '' };
    }
    const CopySource = source(section.bucket, piece.key);
    const range = piece.range && { CopySourceRange: `bytes=${piece.range.start}-${piece.range.end}` };
    const stored = await client.send(new sdk.UploadPartCopyCommand({ ...part, CopySource, ...range }));
    return { PartNumber: part.PartNumber, ETag: stored.CopyPartResult?.ETag ?? '' };
  };
  try {
    const Parts = await severalAtOnce(pieces, section.multipartcopymaxconcurrency, store);
    await client.send(new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined); // the first error counts
    throw error;
  }
}

/** The results of the work on each, in their order; the first error ends it, when what is under way has ended. */
export async function severalAtOnce<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) {
      if (failed) return;
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return results;
}
