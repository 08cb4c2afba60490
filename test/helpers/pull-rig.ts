import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { ProgressMessage } from '../../src/api/types/image.ts';
import { type Database, openDatabase } from '../../src/base/database.ts';
import { type Leases, leaseMigrations, openLeases } from '../../src/base/leases.ts';
import { silentLogger } from '../../src/base/log.ts';
import { chainId } from '../../src/formats/digest.ts';
import { createContentStore, type LocalContentStore } from '../../src/images/content/store.ts';
import type { PullRequest, PushRequest } from '../../src/images/contract.ts';
import { imageMigrations } from '../../src/images/migrations.ts';
import { createPull, type Pull, type PullDeps } from '../../src/images/pull.ts';
import { createPush, type Push } from '../../src/images/push.ts';
import { createImageStore, type ImageState } from '../../src/images/store.ts';
import { createRegistryClient, type RegistryClientOptions } from '../../src/registry-client/client.ts';
import { digestOf } from './image-layout.ts';

/** The engine's pull on a real database, content and image store; layers are checked and noted, not unpacked. */
export interface PullRig extends AsyncDisposable {
  readonly root: string;
  readonly database: Database;
  readonly content: LocalContentStore;
  readonly leases: Leases;
  readonly images: ImageState;
  /** Chain-ids that were "unpacked". */
  readonly snapshots: Set<string>;
  readonly pull: Pull;
  readonly push: Push;
  /** Pulls and gives the id and every line of progress. */
  run(reference: string, request?: Partial<PullRequest>): Promise<{ id: string; lines: ProgressMessage[] }>;
  /** Pushes and gives every line of progress. */
  send(reference: string, request?: Partial<PushRequest> & { signal?: AbortSignal }): Promise<ProgressMessage[]>;
  /** Names of partial blobs. */
  partials(): Promise<string[]>;
}

export interface PullRigOptions extends RegistryClientOptions {
  /** Where the content lies; a temporary folder by default, which is removed. */
  readonly root?: string;
  readonly unpack?: PullDeps['unpacker']['unpack'];
  readonly maxConcurrentUploads?: number;
}

/** As patient as the engine's own policy, without the waiting. */
const impatient = { attempts: 4, firstDelay: 1, longestDelay: 1500 };

export async function startPullRig(options: PullRigOptions = {}): Promise<PullRig> {
  const root = options.root ?? (await fs.mkdtemp(path.join(os.tmpdir(), 'tug-pull-')));
  const database = openDatabase(':memory:', [...leaseMigrations, ...imageMigrations]);
  const content = createContentStore({ database, note: () => {}, root: path.join(root, 'content') });
  const images = createImageStore({ database, content });
  const leases = openLeases(database);
  const snapshots = new Set<string>();
  const registries = createRegistryClient({ retry: impatient, ...options });
  const pull = createPull({
    ...{ registries, content, leases, store: images, log: silentLogger },
    unpacker: { unpack: options.unpack ?? checkedUnpack(content, snapshots, images) },
    hasLayer: (id) => snapshots.has(id),
    imageId: (name) => images.byName(name) ?? images.get(name)?.id,
    platform: { os: 'linux', architecture: 'amd64' },
  });
  const push = createPush({
    ...{ registries, content, leases, state: images },
    collect: async () => ({ layers: [], blobs: [] }),
    ...(options.maxConcurrentUploads ? { maxConcurrentUploads: options.maxConcurrentUploads } : {}),
  });
  return {
    ...{ root, database, content, leases, images, snapshots, pull, push },
    async run(reference, request = {}) {
      const lines: ProgressMessage[] = [];
      const whole = { reference, platform: undefined, auth: undefined, ...request };
      const id = await pull(whole, (line) => lines.push(line), new AbortController().signal);
      return { id, lines };
    },
    async send(reference, request = {}) {
      const lines: ProgressMessage[] = [];
      const whole = { reference, platform: undefined, auth: undefined, ...request };
      await push(whole, (line) => lines.push(line), request.signal ?? new AbortController().signal);
      return lines;
    },
    partials: async () => (await fs.readdir(path.join(root, 'content/ingest'))).sort(),
    async [Symbol.asyncDispose]() {
      registries[Symbol.dispose]();
      database[Symbol.dispose]();
      if (options.root === undefined) await fs.rm(root, { recursive: true, force: true });
    },
  };
}

/** An unpacker that insists on what the contract promises it: the blob whole, and the right tar. */
function checkedUnpack(
  content: LocalContentStore,
  snapshots: Set<string>,
  images: ImageState,
): PullDeps['unpacker']['unpack'] {
  return async (descriptor, diffId, parents) => {
    const bytes = await fs.readFile(content.path(descriptor.digest));
    const tar = descriptor.mediaType.endsWith('zstd') ? zstdDecompressSync(bytes) : gunzipSync(bytes);
    if (digestOf(tar) !== diffId) throw new Error(`layer ${descriptor.digest} is not the tar ${diffId}`);
    const below = parents.at(-1);
    const id = below === undefined ? diffId : chainId([below, diffId]);
    snapshots.add(id);
    images.recordLayer({ chainId: id, diffId, size: tar.length, blob: descriptor });
  };
}
