import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import * as path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import { invalid, isKind, TugError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { unusedBuildArgs } from '../formats/dockerfile/build-args.ts';
import { parseDockerfile } from '../formats/dockerfile/parse-dockerfile.ts';
import { removeTree } from '../host/remove-tree.ts';
import type { Image } from '../images/contract.ts';
import type { Build, BuilderDeps } from './build-context.ts';
import { keyOf } from './cache/keys.ts';
import type { StepCache } from './cache/steps.ts';
import type { CacheStore } from './cache/store.ts';
import { exportCache, inlineCache, type UsedCache } from './cache/transfer/exports.ts';
import { followSteps } from './cache/transfer/following-steps.ts';
import { loginFor, openImports } from './cache/transfer/imports.ts';
import { receiveContext } from './context/receive.ts';
import type { BuildListener, BuildRequest, BuildResult, BuildStep } from './contract.ts';
import type { MadeLayers } from './copy/made-layers.ts';
import { isoOf } from './instructions/place-files.ts';
import { type BuildPlan, planBuild } from './plan.ts';
import { type BuildFacts, imageMaterial, type Material, provenanceOf } from './provenance.ts';
import type { CacheMounts } from './run/cache-mounts.ts';
import type { KeptContexts } from './session/kept-contexts.ts';
import { createSlots } from './slots.ts';
import { createLayerTree } from './sources/layer-tree.ts';
import type { SourceTree } from './sources/tree.ts';
import { squash } from './squash.ts';
import { buildStage } from './stage.ts';
import type { StageState } from './state.ts';

export interface BuildParts extends BuilderDeps {
  readonly cache: CacheStore;
  readonly steps: StepCache;
  readonly mounts: CacheMounts;
  readonly contexts: KeptContexts;
  readonly made: MadeLayers;
}

/** Builds an image. See `Builder.build`. */
export async function build(
  parts: BuildParts,
  request: BuildRequest,
  listener: BuildListener,
  signal: AbortSignal,
): Promise<BuildResult> {
  const id = newId();
  const holder = `build:${id}`;
  const folder = path.join(parts.dataRoot, 'builder', 'work', id);
  const secretFolder = path.join(parts.execRoot, 'builder', id);
  const began = new Date();
  const failure = new AbortController();
  const all = AbortSignal.any([signal, failure.signal]);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  let done = false;
  try {
    const materials = new Map<string, Material>();
    await using context = await receiveContext({ ...parts, folder, materials }, request, listener, all);
    crashPoint('build.context.received');
    const dockerfile = parseDockerfile(context.dockerfile, {
      fileName: path.basename(request.dockerfile),
    });
    const plan = planBuild(dockerfile, request);
    const importing = { ...parts, store: parts.cache, holder, signal: all, warn: listener.warning };
    const imports = await openImports(importing, request);
    const used: UsedCache = { steps: new Map(), mounts: new Map() };
    const steps = followSteps(parts.steps, { store: parts.cache, imports, used });
    const about = {
      ...parts,
      materials,
      steps,
      imports,
      used,
      holder,
      request,
      listener,
      signal: all,
      folder,
      secretFolder,
    };
    const work = createBuild({ ...about, ...context, epoch: epochOf(request) }, plan);
    const facts = { ...context, id, began, request, materials, secrets: [...context.secrets.keys()] };
    const result = await finish(work, plan, facts).catch(async (error: unknown) => {
      failure.abort(new TugError('cancelled', 'another step failed', { cause: error }));
      await work.settled();
      throw error;
    });
    done = true;
    return result;
  } finally {
    await removeTree(folder);
    await removeTree(secretFolder);
    parts.leases.release(holder);
    // the first error counts: a collection that fails too is made up for by the next one
    if (!done) await parts.images.builds.collect().catch(() => {});
  }
}

/** SOURCE_DATE_EPOCH. @throws invalid when it is no number of seconds. */
function epochOf({ buildArgs }: BuildRequest): number | undefined {
  const text = buildArgs['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return undefined;
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > 253_402_300_799)
    throw invalid(`invalid SOURCE_DATE_EPOCH: ${text}`, { code: 'bad-epoch' });
  return seconds;
}

type About = Omit<Build, 'image' | 'treeOf' | 'stage' | 'withSlot'>;

interface RunningBuild extends Build {
  /** Resolves when no stage is being worked on any more. */
  settled(): Promise<void>;
}

function createBuild(about: About, plan: BuildPlan): RunningBuild {
  const stages = new Map<number, Promise<StageState>>();
  const pulls = new Map<string, Promise<Image>>();
  const trees = new Map<string, SourceTree>();
  const slots = createSlots(Math.max(2, availableParallelism()));
  const { images, leases, holder, signal } = about;
  const running: RunningBuild = {
    ...about,
    withSlot: (work) => slots(work, signal),
    treeOf(layers) {
      const key = layers.at(-1) ?? '';
      const tree = trees.get(key) ?? createLayerTree(images.builds.stack(layers));
      trees.set(key, tree);
      return tree;
    },
    stage(index) {
      const known = stages.get(index);
      if (known) return known;
      const stage = plan.needed.find((one) => one.index === index);
      if (!stage) throw invalid(`there is no stage ${index}`);
      const promise = buildStage(running, plan, stage);
      stages.set(index, promise);
      return promise;
    },
    async image(name, platform, step) {
      const key = keyOf(name, platform);
      const promise = pulls.get(key) ?? findImage(about, name, platform, step);
      pulls.set(key, promise);
      const image = await promise;
      const material = imageMaterial(name, image);
      if (material) about.materials.set(material.uri, material);
      leases.acquire('operation', holder, 'image', image.id);
      for (const layer of image.layers) leases.acquire('operation', holder, 'snapshot', layer);
      return image;
    },
    settled: async () => void (await Promise.allSettled(stages.values())),
  };
  return running;
}

async function findImage(
  { images, request, listener, signal }: About,
  name: string,
  platform: string | undefined,
  step: BuildStep,
): Promise<Image> {
  const find = (): Image | undefined => {
    try {
      return images.resolve(name, platform);
    } catch (error) {
      if (isKind(error, 'not-found')) return undefined;
      throw error;
    }
  };
  const local = request.pull ? undefined : find();
  if (local) return local;
  if (/^(sha256:)?[0-9a-f]{64}$/.test(name)) return images.resolve(name, platform); // an id is of no registry
  const { auths } = request;
  return await images.pull(
    { reference: name, platform, auth: loginFor(name, auths), auths },
    ({ id, status, progressDetail }) => {
      if (id !== undefined && progressDetail?.current !== undefined)
        listener.progress(step, `${status} ${id}`, progressDetail.current, progressDetail.total);
    },
    signal,
  );
}

/** Builds the target and records the image. */
async function finish(running: RunningBuild, plan: BuildPlan, facts: BuildFacts): Promise<BuildResult> {
  const { request, images, steps, holder, epoch, signal } = running;
  const target = await running.stage(plan.target.index);
  const state = request.squash ? await squash(running, target) : target;
  const labels = { ...state.config.Labels, ...request.labels };
  const config = { ...state.config, ...(Object.keys(labels).length > 0 ? { Labels: labels } : {}) };
  const { os, architecture, variant } = state.platform;
  const about = {
    ...{ architecture, os, ...(variant ? { variant } : {}), config },
    ...(state.author ? { author: state.author } : {}),
    ...(state.osVersion ? { 'os.version': state.osVersion } : {}),
  };
  const times = state.history.map(({ created }) => created);
  const key = keyOf('image', about, state.layers, times, state.history);
  const created = epoch === undefined ? steps.firstMade(key, 'image configuration') : isoOf(epoch);
  const history = state.history.map((entry) => (entry.created === undefined ? { created, ...entry } : entry));
  const inline = request.cacheTo.some(({ type }) => type === 'inline')
    ? inlineCache(running, running.used, state.layers)
    : {};
  const claims = request.provenance ? [provenanceOf(facts, request.provenance)] : [];
  const image = await images.builds.record(
    { config: { created, ...about, history, ...inline }, layers: state.layers, names: request.tags, claims },
    { holder },
    signal,
  );
  for (const to of request.cacheTo) await exportCache(running, running.used, state.layers, to);
  return { imageId: image.id, warnings: unusedArgs(running, plan), checks: plan.checks };
}

function unusedArgs({ request }: Build, { dockerfile }: BuildPlan): string[] {
  const unused = unusedBuildArgs(dockerfile, Object.keys(request.buildArgs));
  return unused.length === 0 ? [] : [`One or more build-args [${unused.sort().join(' ')}] were not consumed`];
}
