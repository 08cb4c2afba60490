import * as fs from 'node:fs';
import * as path from 'node:path';
import { unsupported } from '../../../base/errors.ts';
import { mount } from '../../../host/mount.ts';
import { unmountAsync } from '../../../host/unmount.ts';
import type { SnapshotDriver } from '../contract.ts';
import { createLayerFolders, type LayerFolders } from '../layer-folders.ts';
import { treeSize } from '../tree-size.ts';

const options = 'redirect_dir=off,metacopy=off,index=off';
/** mount(2) takes one page of options, its terminating NUL included. */
const longestOptions = 4095;
/** The kernel's bound (OVL_MAX_STACK is 500), less what Docker allows: an image of more would not travel. */
const mostLayers = 127;

/**
 * Layers as folders that overlayfs stacks. In `root`: `layers/HEX/diff` (HEX of the chain-id),
 * `containers/ID/{diff,work,lower}` with the chain-ids, bottom first, in `lower`, `stages/` and `removed/`.
 */
export function createOverlay2Driver(root: string): SnapshotDriver {
  const folders = createLayerFolders(root, 'diff');
  const mergedOf = new Map<string, string>();

  return {
    name: 'overlay2',
    standsAlone: true,
    list: async () => folders.list(),
    has: folders.has,
    stage: async (parents) => ({
      ...folders.stage(),
      whiteouts: 'overlay',
      below: parents.map(folders.layerPath).reverse(),
    }),
    remove: folders.remove,

    async prepare(containerId, layers, { volatile = false } = {}) {
      if (layers.length > mostLayers)
        throw unsupported(`an image of ${layers.length} layers: ${mostLayers} are the most`);
      folders.prepare(containerId, layers, (folder) => {
        makeUpper(path.join(folder, 'diff'), layers.length > 0 ? folders.layerPath(layers.at(-1)!) : undefined);
        fs.mkdirSync(path.join(folder, 'work'), { mode: 0o700 });
        if (volatile) fs.writeFileSync(path.join(folder, 'volatile'), '');
      });
    },

    async mount(containerId, target) {
      mergedOf.set(containerId, target);
      if (isMounted(target)) return;
      const folder = folders.containerPath(containerId);
      const volatile = fs.existsSync(path.join(folder, 'volatile'));
      if (volatile) forgetVolatileMount(folder);
      mountOverlay(lowerFolders(folders, containerId), folder, target, volatile);
    },

    async unmount(containerId, target) {
      const quick = fs.existsSync(path.join(folders.containerPath(containerId), 'volatile'));
      await unmountAsync(target, { quick });
    },

    discard: folders.discard,
    containers: async () => folders.containers(),
    usage: (containerId) => treeSize(path.join(folders.containerPath(containerId), 'diff')),

    describe(containerId) {
      const folder = folders.containerPath(containerId);
      return {
        LowerDir: lowerFolders(folders, containerId).join(':'),
        MergedDir: mergedOf.get(containerId) ?? path.join(folder, 'merged'),
        UpperDir: path.join(folder, 'diff'),
        WorkDir: path.join(folder, 'work'),
      };
    },

    describeLayers(layers) {
      const [top, ...lower] = layers.map(folders.layerPath).reverse();
      if (top === undefined) return {};
      return { UpperDir: top, ...(lower.length === 0 ? {} : { LowerDir: lower.join(':') }) };
    },

    sweep: folders.sweep,
  };
}

/** Topmost first, as overlayfs wants them. An image without layers stands on one empty folder. */
function lowerFolders(folders: LayerFolders, containerId: string): string[] {
  const lower = folders.layersOf(containerId).map(folders.layerPath).reverse();
  return lower.length > 0 ? lower : [folders.emptyLayer()];
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

function mountOverlay(lower: readonly string[], folder: string, target: string, volatile: boolean): void {
  const upper = `upperdir=${escapePath(path.join(folder, 'diff'))},workdir=${escapePath(path.join(folder, 'work'))}`;
  const rest = `${upper},${options}${volatile ? ',volatile' : ''}`;
  const direct = `lowerdir=${lower.map(escapePath).join(':')},${rest}`;
  if (Buffer.byteLength(direct) <= longestOptions) {
    mount('overlay', target, 'overlay', 0, direct);
    return;
  }
  const fds: number[] = [];
  try {
    for (const layer of lower) fds.push(fs.openSync(layer, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY));
    const short = fds.map((fd) => `/proc/self/fd/${fd}`).join(':');
    mount('overlay', target, 'overlay', 0, `lowerdir=${short},${rest}`);
  } finally {
    for (const fd of fds) fs.closeSync(fd);
  }
}

/** In overlayfs's options a backslash takes the meaning from a colon, a comma or another backslash. */
const escapePath = (folder: string): string => folder.replace(/[\\:,]/g, '\\$&');
