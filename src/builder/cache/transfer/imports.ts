import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Descriptor } from '../../../api/oci/image.ts';
import { invalid, messageOf } from '../../../base/errors.ts';
import type { CacheFrom } from '../../../formats/build-cache-options.ts';
import { defaultDomain } from '../../../formats/reference.ts';
import { unpackedStream } from '../../../images/archive/unpacked-stream.ts';
import type { Image } from '../../../images/contract.ts';
import { domainOfServer } from '../../../registry-client/well-known.ts';
import type { BuilderDeps } from '../../build-context.ts';
import type { BuildRequest } from '../../contract.ts';
import type { StepWork } from '../steps.ts';
import type { CacheStore } from '../store.ts';
import { cacheField, readCache, type SentStep } from './format.ts';
import { type OpenedCache, openClientCache, openRegistryCache } from './places.ts';

/** What other engines did already, as `--cache-from` names it. A cache that cannot be had is told of, and is no error. */
export interface CacheImports {
  /** Records a step in the own cache, with its layer, if another engine did it. */
  bring(work: StepWork): Promise<void>;
  /** When something was made first elsewhere. */
  created(key: string): string | undefined;
  /** The tar of what a cache mount held elsewhere. */
  mount(key: string): AsyncIterable<Buffer> | undefined;
}

export interface ImportContext extends Pick<BuilderDeps, 'images' | 'registries'> {
  readonly store: CacheStore;
  readonly holder: string;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

interface Known {
  readonly step: SentStep;
  readonly bring: (work: StepWork, layer: string) => Promise<string>;
}

/** Reads what the caches tell; their layers come when a step asks for them. */
export async function openImports(context: ImportContext, request: BuildRequest): Promise<CacheImports> {
  const steps = new Map<string, Known>();
  const mounts = new Map<string, () => AsyncIterable<Buffer>>();
  for (const from of request.cacheFrom) {
    const name = from.type === 'registry' ? from.ref : from.source;
    try {
      await openOne(context, request, from, { steps, mounts });
    } catch (error) {
      context.signal.throwIfAborted();
      context.warn(`no cache was imported from ${name}: ${messageOf(error)}`);
    }
  }
  const { store, warn, signal } = context;
  return {
    created: (key) => steps.get(key)?.step.created,
    mount: (key) => mounts.get(key)?.(),
    async bring(work) {
      const known = steps.get(work.key);
      if (!known) return;
      const { key, description, created, layer } = known.step;
      const common = { key, kind: 'layer', parent: work.layers.at(-1), description, created } as const;
      try {
        if (layer === undefined) store.put({ ...common, layer: undefined, size: 0 });
        else {
          const chainId = await known.bring(work, layer);
          store.put({ ...common, layer: chainId, size: context.images.builds.layer(chainId)?.size ?? 0 });
        }
      } catch (error) {
        signal.throwIfAborted();
        steps.delete(key);
        warn(`a step of an imported cache could not be had, and is done again: ${messageOf(error)}`);
      }
    },
  };
}

interface Found {
  readonly steps: Map<string, Known>;
  readonly mounts: Map<string, () => AsyncIterable<Buffer>>;
}

async function openOne(context: ImportContext, request: BuildRequest, from: CacheFrom, found: Found): Promise<void> {
  const { images, registries, signal } = context;
  const here = from.type === 'registry' ? images.find(from.ref) : undefined;
  if (here && takeOwnImage(context, here, found)) return;
  const { session } = request;
  const opened =
    from.type === 'registry'
      ? await openRegistryCache(await registries.client(), from.ref, loginFor(from.ref, request.auths), signal)
      : await openClientCache(session ?? missing(from.source), from.source, signal);
  const blobOf = (layer: string): Descriptor => opened.blobs.get(layer) ?? missing(layer);
  for (const step of opened.cache.steps)
    if (!found.steps.has(step.key))
      found.steps.set(step.key, { step, bring: (work, layer) => unpack(context, opened, work, layer, blobOf(layer)) });
  for (const { key, layer } of opened.cache.mounts)
    if (!found.mounts.has(key))
      found.mounts.set(key, () => verified(opened.read(blobOf(layer), signal), blobOf(layer).digest));
}

const missing = (what: string): never => {
  throw invalid(`${what} is not in it`, { code: 'bad-cache' });
};

/** The login for the registry of a name, of those that came with a request: by its host, or an address of it as old files have. */
export function loginFor<Login>(ref: string, auths: Readonly<Record<string, Login>>): Login | undefined {
  const first = ref.split('/')[0] ?? '';
  const domain = ref.includes('/') && /[.:]|^localhost$/.test(first) ? domainOfServer(first) : defaultDomain;
  return auths[domain] ?? Object.entries(auths).find(([server]) => domainOfServer(server) === domain)?.[1];
}

/** Of an image that is here the layers are here too. False when it has no cache in it. */
function takeOwnImage({ images }: ImportContext, image: Image, { steps }: Found): boolean {
  const bytes = Buffer.from(JSON.stringify({ rootfs: image.config.rootfs, [cacheField]: fieldOf(image) }));
  const diffIds = image.config.rootfs.diff_ids;
  const { cache } = readCache(
    bytes,
    diffIds.map((digest) => ({ mediaType: '', digest, size: 0 })),
  );
  if (!cache) return false;
  const bring = async (work: StepWork, layer: string): Promise<string> => {
    const at = work.layers.length;
    const chainId = image.layers[at];
    const same = diffIds[at] === layer && image.layers[at - 1] === work.layers.at(-1);
    return chainId !== undefined && same && images.builds.layer(chainId) ? chainId : missing(layer);
  };
  for (const step of cache.steps) if (!steps.has(step.key)) steps.set(step.key, { step, bring });
  return true;
}

const fieldOf = ({ config }: Image): unknown => (config as unknown as Record<string, unknown>)[cacheField];

/** Fetches, verifies and unpacks a layer; returns its chain-id. */
async function unpack(
  { images, holder, signal }: ImportContext,
  opened: OpenedCache,
  work: StepWork,
  layer: string,
  blob: Descriptor,
): Promise<string> {
  const bytes = Readable.from(verified(opened.read(blob, signal), blob.digest), { objectMode: false });
  const made = await images.builds.unpack(work.layers, unpackedStream(bytes, signal), { holder }, signal);
  // what was unpacked under the digest that it has is of no use to anybody, and goes with the build
  if (made.diffId !== layer)
    throw invalid(`its layer ${layer} is another: ${made.diffId}`, { code: 'digest-mismatch' });
  return made.chainId;
}

async function* verified(bytes: AsyncIterable<Uint8Array>, digest: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw invalid(`its blob ${digest} is damaged: ${found}`, { code: 'digest-mismatch' });
}
