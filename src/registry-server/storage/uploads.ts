import { createHash, randomUUID } from 'node:crypto';
import { pipeline as join, type Readable, Transform } from 'node:stream';
import { asTugError, conflict, internal, invalid, notFound } from '../../base/errors.ts';
import type { StorageDriver, StoredBlob, Upload } from '../contract.ts';
import { type Blobs, storedBlob } from './blobs.ts';
import { type HashStates, hashOf, keepHashStates } from './hash-states.ts';
import { blobData, checkDigest, uploadFolder } from './paths.ts';

/** Uploads into repositories. Their state lies in the storage alone, so that any process may go on with one. */
export interface Uploads {
  start(name: string): Promise<Upload>;
  /** @throws not-found `blob-upload-unknown`. */
  resume(name: string, id: string): Promise<Upload>;
}

export function openUploads(storage: StorageDriver, blobs: Blobs): Uploads {
  const context: Context = { storage, blobs, hashes: keepHashStates(), busy: new Set() };
  return {
    async start(name) {
      const id = randomUUID();
      await storage.put(startedFile(name, id), Buffer.from(new Date().toISOString()), 'brief');
      context.hashes.keep(id, createHash('sha256'), 0);
      return openUpload(context, name, id, 0);
    },
    async resume(name, id) {
      const data = await storage.stat(dataFile(name, id));
      if (data === undefined && (await storage.stat(startedFile(name, id))) === undefined) {
        throw notFound(`blob upload unknown to registry: ${id}`, { code: 'blob-upload-unknown' });
      }
      return openUpload(context, name, id, data?.size ?? 0);
    },
  };
}

interface Context {
  readonly storage: StorageDriver;
  readonly blobs: Blobs;
  readonly hashes: HashStates;
  /** Uploads that a request is writing to. */
  readonly busy: Set<string>;
}

const dataFile = (name: string, id: string): string => `${uploadFolder(name, id)}/data`;
/** The name and content that CNCF distribution has for it. */
const startedFile = (name: string, id: string): string => `${uploadFolder(name, id)}/startedat`;

function openUpload(context: Context, name: string, id: string, sizeNow: number): Upload {
  let size = sizeNow;
  const cancel = async (): Promise<void> => {
    context.hashes.drop(id);
    await context.storage.remove(uploadFolder(name, id));
  };
  return {
    id,
    get size() {
      return size;
    },
    cancel,
    append: (offset, data) =>
      alone(context, id, async () => {
        if (offset !== size) {
          throw invalid(`the upload has ${size} bytes and goes on there, not at ${offset}`, { code: 'range-invalid' });
        }
        try {
          size = await appendHashed(context, name, id, size, data);
        } catch (error) {
          const fault = asTugError(error);
          // What is half there keeps a full disk full.
          if (fault.kind === 'exhausted') await cancel();
          throw fault;
        }
        return size;
      }),
    commit: (digest) =>
      alone(context, id, async () => {
        const blob = await commit(context, name, id, checkDigest(digest), size, cancel);
        await cancel();
        return blob;
      }),
  };
}

async function alone<T>({ busy }: Context, id: string, work: () => Promise<T>): Promise<T> {
  if (busy.has(id)) throw conflict('another request is writing to this upload', { code: 'blob-upload-busy' });
  busy.add(id);
  try {
    return await work();
  } finally {
    busy.delete(id);
  }
}

/** Hashes on the way, where all that came before was hashed here too. */
async function appendHashed(
  { storage, hashes }: Context,
  name: string,
  id: string,
  offset: number,
  data: Readable,
): Promise<number> {
  const hash = offset === 0 ? createHash('sha256') : hashes.take(id, offset);
  hashes.drop(id);
  if (hash === undefined) return await storage.append(dataFile(name, id), offset, data);
  let hashed = offset;
  const tap = new Transform({
    highWaterMark: 256 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      hashed += chunk.length;
      done(null, chunk);
    },
  });
  join(data, tap, () => {}); // an error of either is the tap's, which the driver reads
  const size = await storage.append(dataFile(name, id), offset, tap);
  if (size === hashed) hashes.keep(id, hash, size);
  return size;
}

/**
 * Killed before the bytes are in their place, the upload can go on; killed after, they are stored, and an unfinished
 * upload is left that is purged.
 */
async function commit(
  { storage, blobs, hashes }: Context,
  name: string,
  id: string,
  digest: string,
  size: number,
  cancel: () => Promise<void>,
): Promise<StoredBlob> {
  if (size === 0) await storage.put(dataFile(name, id), Buffer.alloc(0), 'brief');
  const ready = digest.startsWith('sha256:') ? hashes.take(id, size) : undefined;
  const actual = ready ? `sha256:${ready.digest('hex')}` : await hashOf(digest, await storage.read(dataFile(name, id)));
  if (actual !== digest) {
    await cancel();
    throw invalid(`the digest does not match the content: said was ${digest}, it is ${actual}`, {
      code: 'digest-invalid',
    });
  }
  const there = await blobs.link(name, digest); // bytes that another upload stored are not stored again
  if (there && there.size === size) return there;
  await storage.move(dataFile(name, id), blobData(digest));
  const stored = await storedBlob(storage, digest);
  if (stored === undefined) throw internal(`the blob ${digest} was removed while it was stored`);
  return stored;
}
