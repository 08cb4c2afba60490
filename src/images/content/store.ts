import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Descriptor, mediaTypes } from '../../api/oci/image.ts';
import { writeFileWhole } from '../../base/atomic-file.ts';
import { crashPoint } from '../../base/crash-points.ts';
import type { Database, Migration } from '../../base/database.ts';
import { asTugError, errnoOf, internal, invalid, notFound } from '../../base/errors.ts';
import { parseDigest, sha256 } from '../../formats/digest.ts';
import { openBlobWriter, type Publish } from './blob-writer.ts';
import type { ContentStore } from './contract.ts';
import { type BlobSpool, openSpool } from './spool.ts';

export const contentMigrations: readonly Migration[] = [
  {
    domain: 'content',
    version: 1,
    sql: 'CREATE TABLE blobs (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, added TEXT NOT NULL) STRICT, WITHOUT ROWID',
  },
];

/** The store that lies in a folder of this host, with what only the engine's own image code needs. */
export interface LocalContentStore extends ContentStore {
  readonly root: string;
  /** Begins a blob whose digest is not known yet. What a killed engine left of one is removed by `sweep`. */
  spool(): Promise<BlobSpool>;
  /** Size in bytes by the state, undefined when it is not there. */
  size(digest: string): number | undefined;
  /** Replaces `index.json`, which is there for other tools and is never read by tug. */
  writeIndex(manifests: readonly Descriptor[]): Promise<void>;
  /**
   * Makes files and state agree after a kill: rows without a file of their size go, files without a row go,
   * and spools go. Partial ingests stay for a later resume, `partials: false` removes them too. Idempotent.
   */
  sweep(options?: { partials?: boolean }): Promise<{ rows: number; files: number }>;
}

const smallBlob = 4 * 1024 * 1024;

/**
 * Opens (and makes, where it is missing) the content store in `root`: `oci-layout`, `index.json` and
 * `blobs/ALGORITHM/HEX` as in image-layout.md of the OCI image-spec, `ingest/` for what is not whole yet and
 * `trash/` for what is being removed. Synchronous, idempotent.
 */
export function createContentStore(deps: {
  database: Database;
  root: string;
  /** Hears, in the transaction that records it, of a blob that may not be on the disk yet. */
  note: (digest: string) => void;
}): LocalContentStore {
  const { database, root } = deps;
  makeLayout(root);
  const busy = new Map<string, Promise<void>>();

  const fileOf = (digest: string): string => {
    const { algorithm, hex } = parseDigest(digest);
    return path.join(root, 'blobs', algorithm, hex);
  };
  const size = (digest: string): number | undefined => {
    const row = database.get('SELECT size FROM blobs WHERE digest = ?', digest);
    return row === undefined ? undefined : Number(row['size']);
  };
  const has = (digest: string): boolean => size(digest) !== undefined;
  const record = (digest: string, bytes: number): void =>
    database.transaction(() => {
      database.run('INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)', digest, bytes, new Date().toISOString());
      deps.note(digest);
    });
  const publish = createPublish({ fileOf, has, record });
  const folder = path.join(root, 'ingest');

  const store: LocalContentStore = {
    root,
    size,
    has,
    path: fileOf,
    list: () => database.all('SELECT digest FROM blobs ORDER BY digest').map((row) => String(row['digest'])),
    read: (digest, limit = smallBlob) => readBlob(digest, size(digest), limit, fileOf(digest)),
    ingest: (expected) => openBlobWriter({ expected, busy, folder, isWhole: has, publish }),
    spool: () => openSpool({ folder, isWhole: has, publish, path: fileOf }),
    async put(bytes) {
      const digest = sha256(bytes);
      if (has(digest)) return digest;
      try {
        await writeFileWhole(fileOf(digest), bytes);
        record(digest, bytes.length);
      } catch (error) {
        if (!has(digest)) await fs.promises.rm(fileOf(digest), { force: true });
        throw asTugError(error);
      }
      return digest;
    },
    async remove(digest) {
      // Row and name go in one synchronous step, so that a blob of the same digest may be written again meanwhile.
      const trash = path.join(root, 'trash', `${parseDigest(digest).hex}-${process.hrtime.bigint()}`);
      database.run('DELETE FROM blobs WHERE digest = ?', digest);
      if (renameIfThere(fileOf(digest), trash)) await fs.promises.rm(trash, { force: true });
    },
    writeIndex: (manifests) => {
      const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
      return writeFileWhole(path.join(root, 'index.json'), JSON.stringify(index));
    },
    sweep: (options = {}) => sweep(store, database, busy, options.partials ?? true),
  };
  return store;
}

async function readBlob(digest: string, size: number | undefined, limit: number, file: string): Promise<Buffer> {
  if (size === undefined) throw notFound(`no such blob: ${digest}`);
  if (size > limit) throw invalid(`blob ${digest} has ${size} bytes, more than the ${limit} allowed here`);
  const data = await fs.promises.readFile(file);
  if (digest.startsWith('sha256:') && sha256(data) !== digest) {
    throw internal(`blob ${digest} is damaged on disk: remove the image and pull it again`);
  }
  return data;
}

function renameIfThere(from: string, to: string): boolean {
  try {
    fs.renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function makeLayout(root: string): void {
  for (const folder of ['blobs/sha256', 'blobs/sha384', 'blobs/sha512', 'ingest', 'trash']) {
    fs.mkdirSync(path.join(root, folder), { recursive: true, mode: 0o700 });
  }
  const marker = path.join(root, 'oci-layout');
  if (!fs.existsSync(marker)) fs.writeFileSync(marker, '{"imageLayoutVersion":"1.0.0"}');
  const index = path.join(root, 'index.json');
  if (!fs.existsSync(index)) fs.writeFileSync(index, '{"schemaVersion":2,"manifests":[]}');
}

async function sweep(
  store: LocalContentStore,
  database: Database,
  busy: ReadonlyMap<string, unknown>,
  keepPartials: boolean,
): Promise<{ rows: number; files: number }> {
  const swept = { rows: 0, files: 0 };
  for (const digest of store.list()) {
    const stat = await fs.promises.stat(store.path(digest)).catch(() => undefined);
    if (stat?.size === store.size(digest)) continue;
    swept.rows += database.run('DELETE FROM blobs WHERE digest = ?', digest);
  }
  const removeIf = async (folder: string, unwanted: (name: string) => boolean): Promise<void> => {
    for (const name of await fs.promises.readdir(path.join(store.root, folder))) {
      if (!unwanted(name)) continue;
      await fs.promises.rm(path.join(store.root, folder, name), { force: true });
      swept.files += 1;
    }
  };
  for (const algorithm of ['sha256', 'sha384', 'sha512']) {
    await removeIf(`blobs/${algorithm}`, (name) => !store.has(`${algorithm}:${name}`));
  }
  await removeIf('trash', () => true);
  await removeIf('ingest', (name) => (name.startsWith('spool-') || !keepPartials) && !busy.has(name));
  return swept;
}

interface PublishDeps {
  readonly fileOf: (digest: string) => string;
  readonly has: (digest: string) => boolean;
  readonly record: (digest: string, size: number) => void;
}

function createPublish({ fileOf, has, record }: PublishDeps): Publish {
  return (file, digest, size) => {
    try {
      fs.renameSync(file, fileOf(digest));
      crashPoint('image.pull.blob-placed');
      record(digest, size);
    } catch (error) {
      if (!has(digest)) fs.rmSync(fileOf(digest), { force: true });
      throw asTugError(error);
    }
  };
}
