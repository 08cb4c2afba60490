import * as fs from 'node:fs';
import * as path from 'node:path';
import { notFound, unsupported } from '../../../base/errors.ts';
import { runChecked } from '../../../base/process.ts';
import { listMounts, mount, mountFlags } from '../../../host/mount.ts';
import { bindMapped } from '../../../host/mount-tree.ts';
import { unmountAsync } from '../../../host/unmount.ts';
import { type ContainerFolders, createContainerFolders } from '../container-folders.ts';
import type { MountLook, SnapshotDriver } from '../contract.ts';
import { createLayerFolders, type LayerFolders } from '../layer-folders.ts';
import { treeSize } from '../tree-size.ts';

/**
 * Layers as whole copies, for file systems that overlayfs does not take: each layer holds everything below it
 * too, a container is one more copy. Slow and large; needs nothing of the kernel but bind mounts. In `root`:
 * `layers/HEX/fs`, `containers/ID/{fs,lower}`, `stages/`, `removed/`.
 */
export function createVfsDriver(root: string): SnapshotDriver {
  const layers = createLayerFolders(root, 'fs');
  const containers = createContainerFolders(root, layers.has);
  const store: Store = { layers, containers };
  const usersOf = (chainId: string): string[] =>
    containers.list().filter((id) => containers.layersOf(id).includes(chainId));

  return {
    name: 'vfs',
    root,
    standsAlone: false,
    list: async () => layers.list(),
    has: layers.has,
    stage: async (parents) => ({ ...(await stageCopy(store, parents)), whiteouts: 'apply', below: [] }),
    remove: (chainId, { evenUsed = false } = {}) => layers.remove(chainId, () => (evenUsed ? [] : usersOf(chainId))),
    prepare: (containerId, chain) => prepareContainer(store, containerId, chain),
    async mount(containerId, target, look) {
      containers.noteMount(containerId, target);
      fs.mkdirSync(target, { recursive: true, mode: 0o755 });
      if (listMounts().some((entry) => entry.target === target)) return;
      bindFolder(contentOf(store, containerId), target, look);
    },
    async show(containerId, chain, target, look) {
      const prepared = containers.list().includes(containerId);
      const [top] = chain.slice(-1).map(layers.path);
      const source = prepared ? contentOf(store, containerId) : (top ?? layers.empty());
      bindFolder(source, target, look);
      mount('', target, '', mountFlags.remount | mountFlags.bind | mountFlags.readOnly);
    },
    async unmount(containerId, target) {
      await unmountAsync(target, { quick: true });
      containers.noteUnmount(containerId, target);
    },
    discard: containers.discard,
    async adopt(containerId, chainId) {
      containers.layersOf(containerId);
      containers.requireUnmounted(containerId);
      await layers.adopt(contentOf(store, containerId), chainId);
      await containers.discard(containerId);
    },
    writable(containerId) {
      if (!containers.list().includes(containerId)) return undefined;
      const below = containers.layersOf(containerId).slice(-1).map(layers.path);
      return { folder: contentOf(store, containerId), below, whole: true };
    },
    stack: (chain) => chain.slice(-1).map(layers.path),
    containers: async () => containers.list(),
    usage: (containerId) => usageOf(store, containerId),
    describe: () => ({}),
    describeLayers: () => ({}),
    sweep: async () => (await layers.sweep()) + (await containers.sweep()),
  };
}

interface Store {
  readonly layers: LayerFolders;
  readonly containers: ContainerFolders;
}

function bindFolder(folder: string, target: string, { mapping, label }: MountLook = {}): void {
  if (label !== undefined) throw unsupported('SELinux labels: the storage driver "vfs" has none; use overlay2');
  if (mapping) bindMapped(folder, target, mapping.userNamespace);
  else mount(folder, target, '', mountFlags.bind);
}

function contentOf({ containers }: Store, containerId: string): string {
  return path.join(containers.path(containerId), 'fs');
}

/** A stage that begins as a copy of the topmost layer. */
async function stageCopy({ layers }: Store, chain: readonly string[]): Promise<ReturnType<LayerFolders['stage']>> {
  const top = chain.at(-1);
  if (top !== undefined && !layers.has(top)) throw notFound(`layer ${top} is not there`, { code: 'layer-missing' });
  const stage = layers.stage();
  try {
    if (top !== undefined) await copyTree(layers.path(top), stage.folder);
    return stage;
  } catch (error) {
    await stage.abandon();
    throw error;
  }
}

/** Copies aside first: what makes it a container's folder is one synchronous step. */
async function prepareContainer(store: Store, id: string, chain: readonly string[]): Promise<void> {
  if (store.containers.list().includes(id)) return;
  const copy = await stageCopy(store, chain);
  try {
    store.containers.prepare(id, chain, (folder) => {
      fs.renameSync(copy.folder, path.join(folder, 'fs'));
      fs.chmodSync(path.join(folder, 'fs'), 0o755);
    });
  } finally {
    await copy.abandon();
  }
}

/** A file counts when the image has none of that name, size and time. */
async function usageOf(store: Store, containerId: string): Promise<number> {
  const top = store.containers.layersOf(containerId).at(-1);
  if (top === undefined) return treeSize(contentOf(store, containerId));
  const below = Buffer.from(store.layers.path(top));
  return treeSize(contentOf(store, containerId), async (name, size, modified) => {
    const stat = await fs.promises.lstat(Buffer.concat([below, name])).catch(() => undefined);
    return stat === undefined || stat.size !== size || stat.mtimeMs !== modified;
  });
}

/** Copies a tree with owners, times, links, devices and attributes; shares blocks where the file system can. */
async function copyTree(from: string, to: string): Promise<void> {
  await runChecked('cp', ['-a', '--reflink=auto', '-T', '--', from, to]);
}
