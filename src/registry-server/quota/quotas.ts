import { forbidden } from '../../base/errors.ts';
import { bytesSize } from '../../formats/bytes.ts';
import { sha256 } from '../../formats/digest.ts';
import type { Quota } from '../config/care.ts';
import type { OpenRepository, Repository, StorageDriver, StoredBlob, Upload } from '../contract.ts';
import { repositorySizes } from './usage.ts';

/** What a namespace has, as it was last counted and has grown since by pushes to this process. */
interface Usage {
  readonly digests: Set<string>;
  bytes: number;
  readonly counted: number;
}

/** How long a count holds, in milliseconds; then it is made anew, since other processes and collections change it too. */
const holds = 60_000;
/** A push is not refused on the ground of a count that is older: something may have been removed. */
const holdsForRefusal = 200;

/**
 * Refuses pushes that would take a namespace beyond its quota, as DENIED. What is pushed to one process is counted
 * exactly; each other process may have let as much pass as was pushed to it in the last minute.
 */
export function withQuotas(open: OpenRepository, storage: StorageDriver, quotas: readonly Quota[]): OpenRepository {
  if (quotas.length === 0) return open;
  const accounts = quotas.map((quota) => openAccount(storage, quota));
  return async (name) => {
    const repository = await open(name);
    const own = accounts.filter(({ holds: isFor }) => isFor(name));
    return own.length === 0 ? repository : guarded(repository, own);
  };
}

interface Account {
  holds(repository: string): boolean;
  /** Counts the bytes in, or throws. What it gives takes them out again, for a push that fails. */
  take(digest: string, size: number): Promise<() => void>;
}

function openAccount(storage: StorageDriver, { namespace, size: limit }: Quota): Account {
  const isFor = (repository: string): boolean => repository === namespace || repository.startsWith(`${namespace}/`);
  let usage: Promise<Usage> | undefined;
  const count = async (): Promise<Usage> => {
    const counted = performance.now();
    const digests = new Map<string, number>();
    for await (const each of repositorySizes(storage, isFor))
      for (const [digest, size] of each.digests) digests.set(digest, size);
    return { digests: new Set(digests.keys()), bytes: [...digests.values()].reduce((a, b) => a + b, 0), counted };
  };
  const newest = async (age: number): Promise<Usage> => {
    const known = await usage?.catch(() => undefined);
    if (known && performance.now() - known.counted < age) return known;
    usage = count();
    return usage;
  };
  return {
    holds: isFor,
    async take(digest, size) {
      let now = await newest(holds);
      if (now.digests.has(digest)) return () => undefined;
      if (now.bytes + size > limit) now = await newest(holdsForRefusal);
      if (now.digests.has(digest)) return () => undefined;
      if (now.bytes + size > limit) throw overQuota(namespace, limit, now.bytes, size);
      now.digests.add(digest);
      now.bytes += size;
      return () => {
        now.digests.delete(digest);
        now.bytes -= size;
      };
    },
  };
}

const overQuota = (namespace: string, limit: number, used: number, wanted: number) =>
  forbidden(
    `the quota of ${namespace} is ${bytesSize(limit)}: ${bytesSize(used)} are used, ${bytesSize(wanted)} more do not fit`,
    { code: 'quota-exceeded' },
  );

function guarded(repository: Repository, accounts: readonly Account[]): Repository {
  const within = async <T>(digest: string, size: number, work: () => Promise<T>): Promise<T> => {
    const taken: (() => void)[] = [];
    try {
      for (const account of accounts) taken.push(await account.take(digest, size));
      return await work();
    } catch (error) {
      for (const giveBack of taken) giveBack();
      throw error;
    }
  };
  const wrap = (upload: Upload): Upload => ({
    id: upload.id,
    get size() {
      return upload.size;
    },
    append: (offset, data) => upload.append(offset, data),
    cancel: () => upload.cancel(),
    commit: (digest) => within(digest, upload.size, () => upload.commit(digest)),
  });
  return {
    ...repository,
    putManifest: (reference, mediaType, content) =>
      within(sha256(content), content.length, () => repository.putManifest(reference, mediaType, content)),
    mount: (digest, from) => mountWithin(repository, digest, from, within),
    startUpload: async () => wrap(await repository.startUpload()),
    upload: async (id) => wrap(await repository.upload(id)),
  };
}

/** Its size is known only when it is mounted: beyond the quota it is taken out again. */
async function mountWithin(
  repository: Repository,
  digest: string,
  from: string,
  within: <T>(digest: string, size: number, work: () => Promise<T>) => Promise<T>,
): Promise<StoredBlob | undefined> {
  const mounted = await repository.mount(digest, from);
  if (mounted === undefined) return undefined;
  try {
    return await within(digest, mounted.size, async () => mounted);
  } catch (error) {
    await repository.deleteBlob(digest);
    throw error;
  }
}
