import * as fs from 'node:fs';
import * as path from 'node:path';
import { unsupported } from '../../../base/errors.ts';
import { mount, mountFlags } from '../../../host/mount.ts';
import { unmountAsync } from '../../../host/unmount.ts';
import { mostLayers } from '../../depth.ts';
import { type ContainerFolders, createContainerFolders } from '../container-folders.ts';
import type { MountLook, PrepareOptions, SnapshotDriver } from '../contract.ts';
import { createLayerFolders, type LayerFolders } from '../layer-folders.ts';
import { createMappedView, type MappedView } from '../mapped-view.ts';
import { treeSize } from '../tree-size.ts';

const options = 'redirect_dir=off,metacopy=off,index=off';
/** mount(2) takes one page of options, its terminating NUL included. */
const longestOptions = 4095;

/**
 * Layers as folders that overlayfs stacks. In `root`: `layers/HEX/diff` (HEX of the chain-id),
 * `containers/ID/{diff,work,lower}` with the chain-ids, bottom first, in `lower`, `stages/` and `removed/`.
 */
export function createOverlay2Driver(root: string): SnapshotDriver {
  const layers = createLayerFolders(root, 'diff');
  const containers = createContainerFolders(root, layers.has);
  const store: Store = { layers, containers, view: createMappedView(root), mergedOf: new Map() };
  const upperOf = (containerId: string): string => path.join(containers.path(containerId), 'diff');
  const usersOf = (chainId: string): string[] =>
    containers.list().filter((id) => containers.layersOf(id).includes(chainId));

  return {
    name: 'overlay2',
    root,
    standsAlone: true,
    list: async () => layers.list(),
    has: layers.has,
    stage: async (parents) => ({
      ...layers.stage(),
      whiteouts: 'overlay',
      below: parents.map(layers.path).reverse(),
    }),
    remove: (chainId, { evenUsed = false } = {}) => layers.remove(chainId, () => (evenUsed ? [] : usersOf(chainId))),
    prepare: async (containerId, chain, options) => prepareContainer(store, containerId, chain, options ?? {}),
    mount: async (containerId, target, look) => mountContainer(store, containerId, target, look),
    show: async (containerId, chain, target, look) => showContainer(store, containerId, chain, target, look),
    async unmount(containerId, target) {
      await unmountAsync(target, { quick: isVolatile(containers.path(containerId)) });
      containers.noteUnmount(containerId, target);
    },
    discard: containers.discard,
    async adopt(containerId, chainId) {
      containers.layersOf(containerId);
      containers.requireUnmounted(containerId);
      await layers.adopt(upperOf(containerId), chainId);
      await containers.discard(containerId);
    },
    writable(containerId) {
      if (!containers.list().includes(containerId)) return undefined;
      const below = containers.layersOf(containerId).map(layers.path).reverse();
      return { folder: upperOf(containerId), below, whole: false };
    },
    stack: (chain) => chain.map(layers.path).reverse(),
    containers: async () => containers.list(),
    usage: (containerId) => treeSize(upperOf(containerId)),
    describe: (containerId) => ({
      LowerDir: lowerFolders(store, containerId).join(':'),
      MergedDir: store.mergedOf.get(containerId) ?? '',
      UpperDir: upperOf(containerId),
      WorkDir: path.join(containers.path(containerId), 'work'),
    }),
    describeLayers(chain) {
      const [top, ...lower] = chain.map(layers.path).reverse();
      if (top === undefined) return {};
      return { UpperDir: top, ...(lower.length === 0 ? {} : { LowerDir: lower.join(':') }) };
    },
    async sweep() {
      store.view.clear();
      return (await layers.sweep()) + (await containers.sweep());
    },
  };
}

interface Store {
  readonly layers: LayerFolders;
  readonly containers: ContainerFolders;
  readonly view: MappedView;
  /** Where containers were mounted last. */
  readonly mergedOf: Map<string, string>;
}

/** On the way of a container's start: a few calls on this thread, nothing synced. */
function prepareContainer(
  store: Store,
  id: string,
  chain: readonly string[],
  { volatile = false }: PrepareOptions,
): void {
  if (chain.length > mostLayers) {
    throw unsupported(`an image of ${chain.length} layers: ${mostLayers} are the most`);
  }
  const top = chain.at(-1);
  store.containers.prepare(id, chain, (folder) => {
    makeUpper(path.join(folder, 'diff'), top === undefined ? undefined : store.layers.path(top));
    fs.mkdirSync(path.join(folder, 'work'), { mode: 0o700 });
    if (volatile) fs.writeFileSync(path.join(folder, 'volatile'), '');
  });
}

function mountContainer(store: Store, id: string, target: string, look: MountLook = {}): void {
  store.mergedOf.set(id, target);
  store.containers.noteMount(id, target);
  if (isMounted(target)) return;
  const folder = store.containers.path(id);
  const volatile = isVolatile(folder);
  if (volatile) forgetVolatileMount(folder);
  const rest = `${options}${volatile ? ',volatile' : ''}${labelOption(look)}`;
  store.view.use(look.mapping, (seen) => {
    const [upper, work] = ['diff', 'work'].map((name) => escapePath(seen(path.join(folder, name))));
    mountOverlay(lowerFolders(store, id).map(seen), target, `upperdir=${upper},workdir=${work},${rest}`);
  });
}

/** As lower folders alone, of which the kernel wants two at least. */
function showContainer(
  { layers, containers, view }: Store,
  id: string,
  chain: readonly string[],
  target: string,
  look: MountLook = {},
): void {
  const upper = containers.list().includes(id) ? [path.join(containers.path(id), 'diff')] : [];
  const lower = [...upper, ...chain.map(layers.path).reverse()];
  const all = [...lower, layers.empty()];
  view.use(look.mapping, (seen) =>
    mountOverlay(all.map(seen), target, `${options}${labelOption(look)}`, mountFlags.readOnly),
  );
}

/** In quotes, since its level has a comma. */
const labelOption = ({ label }: MountLook): string => (label === undefined ? '' : `,context="${label}"`);

function isVolatile(folder: string): boolean {
  return fs.existsSync(path.join(folder, 'volatile'));
}

/** Topmost first, as overlayfs wants them. An image without layers stands on one empty folder. */
function lowerFolders({ layers, containers }: Store, containerId: string): string[] {
  const lower = containers.layersOf(containerId).map(layers.path).reverse();
  return lower.length > 0 ? lower : [layers.empty()];
}

/** The root of the container: mode 0755 as Docker has it whatever the image says, the owner of the image's root. */
function makeUpper(upper: string, top: string | undefined): void {
  fs.mkdirSync(upper, { mode: 0o755 });
  if (top === undefined) return;
  const { uid, gid } = fs.statSync(top);
  if (uid !== 0 || gid !== 0) fs.chownSync(upper, uid, gid);
}

/** An overlay has a device number of its own, so that a look at the mount table is not needed. */
function isMounted(target: string): boolean {
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  if (stat) return stat.dev !== fs.statSync(path.dirname(target)).dev;
  fs.mkdirSync(target, { recursive: true, mode: 0o755 });
  return false;
}

/** A volatile upper folder that was mounted before carries a mark that makes the kernel refuse it. */
function forgetVolatileMount(folder: string): void {
  fs.rmSync(path.join(folder, 'work', 'work', 'incompat'), { recursive: true, force: true });
}

function mountOverlay(lower: readonly string[], target: string, rest: string, flags = 0): void {
  const direct = `lowerdir=${lower.map(escapePath).join(':')},${rest}`;
  if (Buffer.byteLength(direct) <= longestOptions) {
    mount('overlay', target, 'overlay', flags, direct);
    return;
  }
  const fds: number[] = [];
  try {
    for (const layer of lower) fds.push(fs.openSync(layer, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY));
    const short = fds.map((fd) => `/proc/self/fd/${fd}`).join(':');
    mount('overlay', target, 'overlay', flags, `lowerdir=${short},${rest}`);
  } finally {
    for (const fd of fds) fs.closeSync(fd);
  }
}

/** In overlayfs's options a backslash takes the meaning from a colon, a comma or another backslash. */
const escapePath = (folder: string): string => folder.replace(/[\\:,]/g, '\\$&');
