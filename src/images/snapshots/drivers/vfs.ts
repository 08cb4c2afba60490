import * as fs from 'node:fs';
import * as path from 'node:path';
import { notFound } from '../../../base/errors.ts';
import { runChecked } from '../../../base/process.ts';
import { listMounts, mount, mountFlags } from '../../../host/mount.ts';
import { unmountAsync } from '../../../host/unmount.ts';
import type { SnapshotDriver } from '../contract.ts';
import { createLayerFolders } from '../layer-folders.ts';
import { treeSize } from '../tree-size.ts';

/**
 * Layers as whole copies, for file systems that overlayfs does not take: each layer holds everything below it
 * too, a container is one more copy. Slow and large; needs nothing of the kernel but bind mounts. In `root`:
 * `layers/HEX/fs`, `containers/ID/{fs,lower}`, `stages/`, `removed/`.
 */
export function createVfsDriver(root: string): SnapshotDriver {
  const folders = createLayerFolders(root, 'fs');
  const content = (containerId: string): string => path.join(folders.containerPath(containerId), 'fs');
  const topOf = (layers: readonly string[]): string | undefined =>
    layers.length > 0 ? folders.layerPath(layers.at(-1)!) : undefined;

  return {
    name: 'vfs',
    standsAlone: false,
    list: async () => folders.list(),
    has: folders.has,

    async stage(parents) {
      const top = parents.at(-1);
      if (top !== undefined && !folders.has(top))
        throw notFound(`layer ${top} is not there`, { code: 'layer-missing' });
      const stage = folders.stage();
      try {
        if (top !== undefined) await copyTree(folders.layerPath(top), stage.folder);
      } catch (error) {
        await stage.abandon();
        throw error;
      }
      return { ...stage, whiteouts: 'apply', below: [] };
    },

    remove: folders.remove,

    async prepare(containerId, layers) {
      if (folders.containers().includes(containerId)) return;
      const top = topOf(layers);
      // Copied aside first: `folders.prepare` publishes in one synchronous step.
      const copy = folders.stage();
      try {
        if (top !== undefined && folders.has(layers.at(-1)!)) await copyTree(top, copy.folder);
        folders.prepare(containerId, layers, (folder) => {
          fs.renameSync(copy.folder, path.join(folder, 'fs'));
          fs.chmodSync(path.join(folder, 'fs'), 0o755);
        });
      } finally {
        await copy.abandon();
      }
    },

    async mount(containerId, target) {
      fs.mkdirSync(target, { recursive: true, mode: 0o755 });
      if (listMounts().some((entry) => entry.target === target)) return;
      mount(content(containerId), target, '', mountFlags.bind);
    },

    async unmount(_containerId, target) {
      await unmountAsync(target, { quick: true });
    },

    discard: folders.discard,
    containers: async () => folders.containers(),

    async usage(containerId) {
      const top = topOf(folders.layersOf(containerId));
      if (top === undefined) return treeSize(content(containerId));
      // A file counts when the image has none of that name, size and time.
      return treeSize(content(containerId), async (name, size, modified) => {
        const below = await fs.promises.lstat(Buffer.concat([Buffer.from(top), name])).catch(() => undefined);
        return below === undefined || below.size !== size || below.mtimeMs !== modified;
      });
    },

    describe: () => ({}),
    describeLayers: () => ({}),
    sweep: folders.sweep,
  };
}

/** Copies a tree with owners, times, links, devices and attributes; shares blocks where the file system can. */
async function copyTree(from: string, to: string): Promise<void> {
  await runChecked('cp', ['-a', '--reflink=auto', '-T', '--', from, to]);
}
