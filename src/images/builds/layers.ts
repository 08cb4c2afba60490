import type { Descriptor } from '../../api/oci/image.ts';
import { crashPoint } from '../../base/crash-points.ts';
import type { Database } from '../../base/database.ts';
import { notFound } from '../../base/errors.ts';
import type { Leases } from '../../base/leases.ts';
import { chainId as chainOf } from '../../formats/digest.ts';
import { attach } from '../attestations.ts';
import type { ArrivingUnpacker, LayerUnpacker } from '../content/contract.ts';
import type { LocalContentStore } from '../content/store.ts';
import type { Image } from '../contract.ts';
import { checkDepth } from '../depth.ts';
import { collectGarbage } from '../gc.ts';
import type { ImageEvents } from '../image-events.ts';
import { writeImage } from '../new-image.ts';
import { resolveImage } from '../resolve.ts';
import type { Settling } from '../settling.ts';
import type { SnapshotDriver } from '../snapshots/contract.ts';
import type { ImageState } from '../store.ts';
import { parseTag } from '../tag.ts';
import { findChanges } from '../trees/changes.ts';
import { tarStream } from '../trees/tar-stream.ts';
import type { PlacedRun } from '../unpack/reuse.ts';
import type { BuildLayers, BuiltImage, BuiltLayer } from './contract.ts';
import { describeEarlier, isReusable, withRuns } from './earlier.ts';
import { spool, spoolLayer } from './spool.ts';
import { readWritten } from './written.ts';

export interface BuildLayersDeps {
  readonly database: Database;
  readonly leases: Leases;
  readonly content: LocalContentStore;
  readonly driver: SnapshotDriver;
  readonly state: ImageState;
  readonly settling: Settling;
  readonly unpacker: LayerUnpacker & ArrivingUnpacker;
  readonly events: ImageEvents;
  /** Has the index for other tools written anew. */
  readonly refresh: () => Promise<void>;
}

export function createBuildLayers(deps: BuildLayersDeps): BuildLayers {
  const { driver, state } = deps;
  const layer = (chainId: string): BuiltLayer | undefined => {
    const row = driver.has(chainId) ? state.layer(chainId) : undefined;
    return row && { chainId, diffId: row.diffId, size: row.size };
  };
  return {
    layer,
    stack: (layers) => driver.stack(layers),
    adopt: (container, options, signal) => adopt(deps, container, options, signal),
    reusable: (chainId, { holder }) => isReusable(deps, chainId, holder),
    async unpack(parents, tar, { holder, like, owned = false }, signal) {
      const earlier = like === undefined ? undefined : describeEarlier(deps, like);
      const runs: PlacedRun[] = [];
      const whole = withRuns(tar, earlier?.tar, { placed: runs, owned: driver.standsAlone && (owned || !!earlier) });
      const early = driver.standsAlone && !owned && !earlier;
      await using spooled = await spoolLayer(deps, whole, { holder, early }, signal);
      const reuse = driver.standsAlone && runs.length > 0 ? { folder: earlier?.folder, runs } : undefined;
      const { blob, arriving } = spooled;
      const chainId = chainOf(below(deps, parents, blob.digest));
      deps.leases.acquire('operation', holder, 'snapshot', chainId);
      crashPoint('build.copy.spooled');
      await deps.unpacker.unpack(blob, blob.digest, parents, signal, undefined, { verified: true, reuse, arriving });
      crashPoint('build.copy.unpacked');
      const made = layer(chainId);
      if (!made) throw notFound(`layer ${chainId} vanished while it was being made`);
      return made;
    },
    async archive(layers, { holder }, signal) {
      const { blob, diffId } = rowOf(state, layers.at(-1) ?? '');
      deps.leases.acquire('operation', holder, 'blob', blob.digest);
      if (!deps.content.has(blob.digest)) await makeTar(deps, layers, holder, signal);
      return { blob, diffId, file: deps.content.path(blob.digest) };
    },
    record: (image, { holder }, signal) => record(deps, image, holder, signal),
    collect: async () => void (await collectGarbage(deps)),
  };
}

/** Diff-ids of a stack and of what comes on top. */
function below({ state }: BuildLayersDeps, layers: readonly string[], diffId: string): string[] {
  return [...layers.map((chainId) => rowOf(state, chainId).diffId), diffId];
}

function rowOf(state: ImageState, chainId: string) {
  const row = state.layer(chainId);
  if (!row) throw notFound(`layer ${chainId} is not there: build again`, { code: 'layer-missing' });
  return row;
}

async function adopt(
  deps: BuildLayersDeps,
  ...[container, { holder, keepTar, epoch }, signal]: Parameters<BuildLayers['adopt']>
): Promise<BuiltLayer | undefined> {
  const { driver, state, database, settling, leases } = deps;
  const writable = driver.writable(container.id);
  const written = writable && (await readWritten(writable, container.places, epoch));
  if (!written || written.changes.length === 0) {
    await driver.discard(container.id);
    return undefined;
  }
  crashPoint('build.layer.read');
  const sources = written.changes.map(({ path, kind }) => ({
    root: writable.folder,
    path,
    deleted: kind === 'deleted',
  }));
  const blob = await spool(deps, tarStream(sources), { holder, keep: keepTar }, signal);
  crashPoint('build.layer.spooled');
  const diffId = blob.digest;
  const chainId = chainOf(below(deps, container.layers, diffId));
  leases.acquire('operation', holder, 'snapshot', chainId);
  const known = state.layer(chainId);
  if (known && driver.has(chainId)) {
    await driver.discard(container.id);
    return { chainId, diffId, size: known.size };
  }
  await driver.adopt(container.id, chainId);
  crashPoint('build.layer.adopted');
  database.transaction(() => {
    state.recordLayer({ chainId, diffId, size: written.size, blob });
    settling.note('layer', chainId);
  });
  crashPoint('build.layer.recorded');
  return { chainId, diffId, size: written.size };
}

async function record(
  deps: BuildLayersDeps,
  { config, layers, names, claims = [] }: BuiltImage,
  holder: string,
  signal: AbortSignal,
): Promise<Image> {
  const { content, state, leases, events } = deps;
  checkDepth(layers.length);
  const tags = names.map(parseTag);
  const descriptors: Descriptor[] = [];
  for (const [index, chainId] of layers.entries()) {
    const { blob } = rowOf(state, chainId);
    if (!content.has(blob.digest)) await makeTar(deps, layers.slice(0, index + 1), holder, signal);
    descriptors.push(blob);
  }
  const diffIds = layers.map((chainId) => rowOf(state, chainId).diffId);
  const operation = {
    holdBlob: (digest: string) => leases.acquire('operation', holder, 'blob', digest),
    holdLayers: () => {},
  };
  const blob = { ...config, rootfs: { type: 'layers' as const, diff_ids: diffIds } };
  const written = await writeImage(content, operation, blob, descriptors);
  const about = { manifest: written.manifest, platform: config };
  const index = claims.length > 0 ? await attach(content, operation.holdBlob, about, claims) : undefined;
  crashPoint('build.image.written');
  await state.record({
    ...written,
    ...(index ? { index } : {}),
    tags: tags.map(({ normalised }) => normalised),
    digests: [],
  });
  crashPoint('build.image.recorded');
  for (const { familiar } of tags) events.publish('tag', written.id, familiar);
  await deps.refresh();
  return resolveImage(state, written.id);
}

/** The tar of a layer that was made without keeping it: the same tree gives the same bytes. */
async function makeTar(
  deps: BuildLayersDeps,
  layers: readonly string[],
  holder: string,
  signal: AbortSignal,
): Promise<void> {
  const { driver, state } = deps;
  const { blob } = rowOf(state, layers.at(-1) ?? '');
  const folder = driver.stack(layers)[0] ?? '';
  const whole = !driver.standsAlone;
  const changes = await findChanges({ folder, below: driver.stack(layers.slice(0, -1)), whole }, new Set());
  const sources = changes.map(({ path, kind }) => ({ root: folder, path, deleted: kind === 'deleted' }));
  const made = await spool(deps, tarStream(sources), { holder, keep: true }, signal);
  if (made.digest === blob.digest) return;
  throw notFound(`layer ${blob.digest} cannot be read again as it was made: build it again with --no-cache`, {
    code: 'layer-changed',
  });
}
