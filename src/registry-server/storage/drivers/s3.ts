import { buffer } from 'node:stream/consumers';
import { internal, notFound } from '../../../base/errors.ts';
import type { S3Section } from '../../config/s3.ts';
import type { StorageDriver } from '../../contract.ts';
import { type Bucket, openBucket, severalAtOnce } from './s3/bucket.ts';
import { ifThere } from './s3/errors.ts';
import { createGrowingFiles, type GrowingFiles } from './s3/growing.ts';
import { byName, firstOf } from './s3/order.ts';

/**
 * A bucket of an S3-compatible store, its keys being the paths of CNCF distribution's layout below `rootdirectory`.
 * Any number of processes share one bucket: nothing of an upload is kept in memory that another process could need.
 * The store makes objects visible whole or not at all, and keeps them once it has answered.
 */
export function openS3(section: S3Section): StorageDriver {
  const bucket = openBucket(section);
  const growing = createGrowingFiles(bucket, section.chunksize);
  const root = section.rootdirectory.replace(/^\/+|\/+$/g, '');
  const keyOf = (path: string): string => {
    if (!path.startsWith('/') || path.split('/').includes('..')) throw internal(`no storage path: ${path}`);
    return root === '' ? path.slice(1) : `${root}${path}`;
  };
  return {
    name: 's3',
    get: async (path) => buffer(await bucket.read(keyOf(path))),
    put: (path, content) => bucket.put(keyOf(path), content),
    read: async (path, range) => {
      const grown = grows(path) ? await growing.read(keyOf(path), range) : undefined;
      return grown ?? bucket.read(keyOf(path), range);
    },
    stat: async (path) => {
      const size = grows(path) ? await growing.size(keyOf(path)) : undefined;
      return size === undefined ? bucket.head(keyOf(path)) : { size, modified: new Date() };
    },
    list: (path, after) => listFolder(bucket, `${keyOf(path)}/`, after),
    append: (path, offset, data) => growing.append(keyOf(path), offset, data),
    move: (from, to) => move(bucket, growing, keyOf(from), keyOf(to)),
    remove: (path) => {
      growing.forget(keyOf(path));
      return removeAll(bucket, keyOf(path));
    },
    touch: async (path) => {
      const key = keyOf(path);
      if ((await bucket.head(key)) === undefined) throw notFound(`path not found: ${path}`);
      await bucket.copy(key, key);
    },
    abandoned: async function* (before) {
      for await (const { key, abort } of bucket.unfinished(keyOf('/docker/registry/'), before)) {
        yield { name: `the beginning of ${key}`, remove: abort };
      }
    },
    close: async () => bucket.close(),
  };
}

/** Only files of uploads are written bit by bit; the others are spared the question whether they are. */
const grows = (path: string): boolean => path.includes('/_uploads/') && path.endsWith('/data');

/** Sorted by name, which is not the order of keys: a folder's key ends with `/`, behind `-` and `.`. */
function listFolder(bucket: Bucket, prefix: string, after: string | undefined): AsyncIterable<string> {
  const names = async function* (from: string | undefined): AsyncIterable<string> {
    const start = from === undefined ? {} : { after: `${prefix}${firstOf(from)}` };
    for await (const { key, folder } of bucket.list({ prefix, ...start })) {
      const name = folder ? key.slice(prefix.length, -1) : key.slice(prefix.length);
      if (name !== '') yield name;
    }
  };
  return byName(names, after);
}

/** Killed between the two steps, the finished file is there, and the unfinished one beside it until its upload is purged. */
async function move(bucket: Bucket, growing: GrowingFiles, from: string, to: string): Promise<void> {
  if (!(await growing.finish(from, to))) await bucket.copy(from, to);
  growing.forget(from);
  await removeAll(bucket, from);
}

/** Killed in between, some of it is left, and a second call removes the rest. */
async function removeAll(bucket: Bucket, key: string): Promise<void> {
  let page: string[] = [];
  const remove = async (): Promise<void> => {
    await severalAtOnce(page, 16, (one) => ifThere(bucket.delete(one)));
    page = [];
  };
  for await (const listed of bucket.list({ prefix: `${key}/`, deep: true })) {
    page.push(listed.key);
    if (page.length >= 1000) await remove();
  }
  await remove();
  await ifThere(bucket.delete(key));
}
