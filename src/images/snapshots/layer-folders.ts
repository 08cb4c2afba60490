import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { conflict, errnoOf, invalid, notFound } from '../../base/errors.ts';
import { parseDigest } from '../../formats/digest.ts';
import { listMounts } from '../../host/mount.ts';
import { removeSmallTree, removeTree } from '../../host/remove-tree.ts';
import { syncFileSystem } from '../../host/syncfs.ts';
import type { LayerStage } from './contract.ts';

/**
 * The folders that the drivers have in common. In `root`: `layers/HEX/CONTENT` with HEX of the chain-id,
 * `containers/ID/lower` naming the chain-ids, `stages/` for layers being unpacked and `removed/` for what is
 * on its way out. What is published or removed is so by one rename, so that a kill leaves nothing half there.
 */
export interface LayerFolders {
  list(): string[];
  has(chainId: string): boolean;
  layerPath(chainId: string): string;
  /** An empty folder for images without layers. */
  emptyLayer(): string;
  stage(): Pick<LayerStage, 'folder' | 'commit' | 'abandon'>;
  remove(chainId: string): Promise<void>;
  containerPath(containerId: string): string;
  /** The chain-ids that a container stands on, bottom first. @throws not-found when it is not prepared. */
  layersOf(containerId: string): string[];
  /** Makes a container's folder: `fill` puts in what the driver needs. Idempotent: one that is whole is kept. */
  prepare(containerId: string, layers: readonly string[], fill: (folder: string) => void): void;
  discard(containerId: string): Promise<void>;
  containers(): string[];
  sweep(): Promise<number>;
}

/** `content` is the name of the folder inside a layer that holds its files. Makes the folders; synchronous, idempotent. */
export function createLayerFolders(root: string, content: string): LayerFolders {
  const at = (...parts: string[]): string => path.join(root, ...parts);
  for (const name of ['layers', 'containers', 'stages', 'removed']) {
    fs.mkdirSync(at(name), { recursive: true, mode: 0o700 });
  }
  const layerFolder = (chainId: string): string => at('layers', parseDigest(chainId).hex);
  const containerPath = (id: string): string => at('containers', checkId(id));
  const containers = (): string[] => fs.readdirSync(at('containers')).filter((name) => !name.startsWith('.'));
  const layersOf = (id: string): string[] => readLower(containerPath(id), id);
  const has = (chainId: string): boolean => fs.existsSync(layerFolder(chainId));

  return {
    list: () => fs.readdirSync(at('layers')).map((hex) => `sha256:${hex}`),
    has,
    layerPath: (chainId) => path.join(layerFolder(chainId), content),
    emptyLayer() {
      const folder = at('empty');
      fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
      return folder;
    },

    stage() {
      const stage = at('stages', randomBytes(8).toString('hex'));
      fs.mkdirSync(stage, { mode: 0o700 });
      fs.mkdirSync(path.join(stage, content), { mode: 0o755 });
      return {
        folder: path.join(stage, content),
        commit: (chainId) => publish(stage, layerFolder(chainId)),
        abandon: () => removeTree(stage),
      };
    },

    async remove(chainId) {
      const user = containers().find((id) => layersOf(id).includes(chainId));
      if (user !== undefined) {
        throw conflict(`layer ${chainId} is in use by container ${user}`, { code: 'layer-in-use' });
      }
      const doomed = moveAway(layerFolder(chainId), at('removed'));
      if (doomed !== undefined) await removeTree(doomed);
    },

    containerPath,
    layersOf,
    containers,

    prepare(id, layers, fill) {
      const folder = containerPath(id);
      if (fs.existsSync(folder)) return;
      for (const layer of layers) {
        if (!has(layer)) throw notFound(`layer ${layer} is not there: pull the image again`, { code: 'layer-missing' });
      }
      const unfinished = at('containers', `.${id}`);
      fs.rmSync(unfinished, { recursive: true, force: true });
      fs.mkdirSync(unfinished, { mode: 0o700 });
      fill(unfinished);
      fs.writeFileSync(path.join(unfinished, 'lower'), layers.join('\n'));
      fs.renameSync(unfinished, folder);
    },

    async discard(id) {
      const folder = containerPath(id);
      if (!fs.existsSync(folder)) return;
      const mounted = findMount(folder);
      if (mounted !== undefined) {
        throw conflict(`the file system of container ${id} is mounted at ${mounted}`, { code: 'mounted' });
      }
      const doomed = moveAway(folder, at('removed'));
      if (doomed !== undefined && !removeSmallTree(doomed)) await removeTree(doomed);
    },

    async sweep() {
      let swept = 0;
      const unfinished = fs.readdirSync(at('containers')).filter((name) => name.startsWith('.'));
      const left = ['stages', 'removed'].flatMap((name) => fs.readdirSync(at(name)).map((entry) => at(name, entry)));
      for (const folder of [...left, ...unfinished.map((name) => at('containers', name))]) {
        await removeTree(folder);
        swept += 1;
      }
      return swept;
    },
  };
}

/** A container's id becomes a file name. */
function checkId(id: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) throw invalid(`not a container id: ${id}`);
  return id;
}

function readLower(folder: string, id: string): string[] {
  try {
    return fs.readFileSync(path.join(folder, 'lower'), 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw notFound(`container ${id} has no writable layer`, { cause: error });
    throw error;
  }
}

async function publish(stage: string, target: string): Promise<void> {
  await syncFileSystem(stage);
  try {
    fs.renameSync(stage, target);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && fs.existsSync(target)) return;
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    await removeTree(stage);
    return;
  }
  const handle = await fs.promises.open(path.dirname(target), 'r');
  await handle.sync().finally(() => handle.close());
}

/** Renames a folder out of sight, at once. Undefined when it is not there. */
function moveAway(folder: string, removed: string): string | undefined {
  const doomed = path.join(removed, `${path.basename(folder)}-${randomBytes(4).toString('hex')}`);
  try {
    fs.renameSync(folder, doomed);
    return doomed;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where a container's folder is mounted: as the upper folder of an overlay, or something below it by a bind. */
function findMount(folder: string): string | undefined {
  const upper = `upperdir=${folder.replace(/[\\:,]/g, '\\$&')}/`;
  const inside = `/containers/${path.basename(folder)}`;
  const entry = listMounts().find(({ type, superOptions, root }) =>
    type === 'overlay' ? unescapeOctal(superOptions).includes(upper) : path.dirname(root).endsWith(inside),
  );
  return entry?.target;
}

const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
