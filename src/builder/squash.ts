import { crashPoint } from '../base/crash-points.ts';
import { formatEntry } from '../formats/tar/writer.ts';
import { parentOf } from '../images/unpack/names.ts';
import type { Build } from './build-context.ts';
import { keyOf } from './cache/keys.ts';
import { layerTar } from './copy/layer-tar.ts';
import type { CopyItem } from './copy/plan.ts';
import { isoOf } from './instructions/place-files.ts';
import { createLayerTree, type LayerTree } from './sources/layer-tree.ts';
import { baseName, join, type SourceNode } from './sources/tree.ts';
import type { StageState } from './state.ts';

/**
 * Makes one layer of all that is on top of the base image. The history keeps its entries, as of no layer, and gets one
 * more. From the cache where it is there; interrupted as any step.
 */
export async function squash(build: Build, state: StageState): Promise<StageState> {
  const { images, steps, holder, epoch, signal } = build;
  const below = state.layers.slice(0, state.base);
  if (state.layers.length - below.length < 2) return state;
  const [top, bottom] = [state.layers.at(-1) ?? '', below.at(-1) ?? ''];
  const { layer, created } = await steps.run({
    ...{ key: keyOf('squash', top, bottom, epoch ?? ''), holder, layers: below, noCache: false },
    ...{ description: 'squashed layers', created: epoch === undefined ? undefined : isoOf(epoch) },
    make: async () => {
      const now = createLayerTree(images.builds.stack(state.layers));
      const before = createLayerTree(images.builds.stack(below));
      const changes = await differences(now, before, signal);
      const made = await images.builds.unpack(below, squashedTar(changes, epoch), { holder }, signal);
      crashPoint('build.squash.unpacked');
      return made;
    },
  });
  const merged = { created, comment: below.length === 0 ? `create new from ${top}` : `merge ${top} to ${bottom}` };
  const kept = historyOfBase(state);
  const emptied = state.history.slice(kept).map((entry) => ({ ...entry, empty_layer: true }));
  return {
    ...state,
    layers: layer === undefined ? below : [...below, layer],
    history: [...state.history.slice(0, kept), ...emptied, merged],
  };
}

/** How many entries of the history tell of the base image's layers. */
function historyOfBase({ history, base }: StageState): number {
  let layers = 0;
  for (const [at, { empty_layer: empty }] of history.entries()) {
    if (layers === base) return at;
    if (!empty) layers += 1;
  }
  return history.length;
}

interface Differences {
  readonly items: readonly CopyItem[];
  readonly deleted: readonly string[];
}

async function differences(now: LayerTree, before: LayerTree, signal: AbortSignal): Promise<Differences> {
  const items: CopyItem[] = [];
  const deleted: string[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    const names = new Set(now.list(folder));
    for (const name of before.list(folder)) if (!names.has(name)) deleted.push(join(folder, name));
    for (const name of names) {
      const path = join(folder, name);
      const [node, old] = [now.look(path), before.look(path)];
      if (!node) continue;
      if (node.kind === 'directory') folders.push(path);
      if (!old || !(await isSame(path, { node, now }, { node: old, now: before })))
        items.push({ name: path, node, tree: now, path });
    }
  }
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return {
    items: items.sort((a, b) => order(a.name, b.name)),
    // what is below a name that was a folder and is something else now goes with it
    deleted: deleted
      .filter((path) => now.look(parentOf(path))?.kind === 'directory' || parentOf(path) === '')
      .sort(order),
  };
}

interface Side {
  readonly node: SourceNode;
  readonly now: LayerTree;
}

async function isSame(path: string, mine: Side, theirs: Side): Promise<boolean> {
  if (mine.node.kind !== 'directory' && mine.now.rootOf(path) === theirs.now.rootOf(path)) return true;
  if (describe(mine.node) !== describe(theirs.node)) return false;
  return mine.node.kind !== 'file' || (await mine.now.digest(path)) === (await theirs.now.digest(path));
}

function describe({ kind, mode, uid, gid, mtime, size, target, xattrs, device }: SourceNode): string {
  const attributes = [...xattrs].map(([key, value]) => [key, value.toString('base64')]).sort();
  return JSON.stringify([kind, mode, uid, gid, String(mtime), size, target?.toString('latin1'), attributes, device]);
}

async function* squashedTar({ items, deleted }: Differences, epoch: number | undefined): AsyncGenerator<Buffer> {
  for (const path of deleted) {
    const name = Buffer.from(join(parentOf(path), `.wh.${baseName(path)}`), 'latin1');
    yield formatEntry({ name, type: 'file', mode: 0, size: 0 });
  }
  yield* layerTar(items, epoch);
}
