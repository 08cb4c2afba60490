import type { BuiltLayer } from '../../images/builds/contract.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { type Build, onTop, type Scope } from '../build-context.ts';
import { copiedFiles, filePart, filesBelow, markOf, mostFileParts, type StepInputs, slotOf } from '../cache/inputs.ts';
import { keyOf } from '../cache/keys.ts';
import type { BuildStep } from '../contract.ts';
import { areMostlyOwn, digestOf, layerParts } from '../copy/layer-tar.ts';
import { type MadeFile, mostMadeFiles } from '../copy/made-layers.ts';
import type { CopyItem } from '../copy/plan.ts';
import { readable } from '../sources/tree.ts';
import { historyComment, type StageState } from '../state.ts';

/**
 * Puts files into a layer on top of the stage's, or takes that layer from the cache. `known` names where the files are
 * from, when that alone says what they are: then they are looked at only once.
 */
export async function placeFiles(
  state: StageState,
  { build, step, noCache, cached, done }: Scope,
  { plan, known, createdBy }: { plan: () => readonly CopyItem[]; known: string | undefined; createdBy: string },
): Promise<StageState> {
  const { cache, steps, epoch, signal } = build;
  let items: readonly CopyItem[] | undefined;
  const planned = (): readonly CopyItem[] => {
    items ??= plan();
    return items;
  };
  const marks = new Map<ByteString, string>();
  const contents = new Map<ByteString, string>();
  let digest = known === undefined ? undefined : cache.digest(known);
  if (digest === undefined) {
    const few = planned().length <= mostFileParts;
    const remembered = planned().length <= mostMadeFiles;
    digest = await digestOf(planned(), signal, ({ name, node }, about, content) => {
      if (few) marks.set(name, markOf(about));
      if (node.kind === 'file' && remembered) contents.set(name, content);
    });
    if (known !== undefined) cache.putDigest(known, digest);
  }
  const result = await steps.run({
    ...{
      key: keyOf('files', state.layers.at(-1) ?? '', digest, epoch ?? ''),
      holder: build.holder,
      layers: state.layers,
      noCache,
      description: step.text,
    },
    created: epoch === undefined ? undefined : isoOf(epoch),
    slot: slotOf(step),
    inputs: () => inputsOf(state, marks, digest ?? '', epoch),
    make: async () => await makeLayer(build, step, state.layers, planned(), contents),
  });
  if (result.cached) cached();
  else done(result.why);
  return {
    ...state,
    layers: onTop(state.layers, result.layer),
    history: [
      ...state.history,
      {
        created: result.created,
        created_by: createdBy,
        comment: historyComment,
        ...(result.layer === undefined ? { empty_layer: true } : {}),
      },
    ],
  };
}

/** Makes the layer, with what an earlier one of nearly the same files has of it. */
async function makeLayer(
  { images, holder, made, epoch, signal }: Build,
  step: BuildStep,
  layers: readonly string[],
  items: readonly CopyItem[],
  contents: ReadonlyMap<ByteString, string>,
): Promise<BuiltLayer | undefined> {
  if (items.length === 0) return undefined;
  const key = keyOf(slotOf(step), step.text);
  const files = new Map<ByteString, MadeFile>();
  const candidates = contents.size === 0 ? [] : made.find(key, [...contents.keys()]);
  const earlier = candidates.find(({ chainId }) => images.builds.reusable(chainId, { holder }));
  const tar = layerParts(items, epoch, { contents, earlier: earlier?.files, made: files });
  const options = { holder, like: earlier?.chainId, owned: areMostlyOwn(items) };
  const layer = await images.builds.unpack(layers, tar, options, signal);
  made.remember(key, { chainId: layer.chainId, files });
  return layer;
}

function inputsOf(
  state: StageState,
  marks: ReadonlyMap<ByteString, string>,
  digest: string,
  epoch: number | undefined,
): StepInputs {
  const files =
    marks.size === 0
      ? [[copiedFiles, digest]]
      : [...marks].map(([name, mark]) => [filePart(`/${readable(name)}`), mark]);
  return {
    [filesBelow]: state.layers.at(-1) ?? '',
    SOURCE_DATE_EPOCH: markOf(epoch ?? ''),
    ...Object.fromEntries(files),
  };
}

/** A time as images have it. */
export const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
