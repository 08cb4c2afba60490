import * as fs from 'node:fs';
import * as path from 'node:path';
import { conflict, errnoOf, invalid, notFound } from '../../base/errors.ts';
import { listMounts } from '../../host/mount.ts';
import { removeSmallTree, removeTree } from '../../host/remove-tree.ts';
import { moveAway } from './move-away.ts';

/** The containers' folders, `containers/ID/`: what the driver puts there, and `lower` with the chain-ids, bottom first. */
export interface ContainerFolders {
  list(): string[];
  path(containerId: string): string;
  /** The chain-ids that a container stands on, bottom first. @throws not-found when it is not prepared. */
  layersOf(containerId: string): string[];
  /** Makes a container's folder: `fill` puts in what the driver needs. Idempotent: one that is whole is kept. */
  prepare(containerId: string, layers: readonly string[], fill: (folder: string) => void): void;
  /** Notes where the driver mounts a container that was prepared here, and that it is unmounted there. */
  noteMount(containerId: string, target: string): void;
  noteUnmount(containerId: string, target: string): void;
  /** @throws conflict while it is mounted. */
  requireUnmounted(containerId: string): void;
  /** @throws conflict while it is mounted. Idempotent. */
  discard(containerId: string): Promise<void>;
  /** Removes folders that were being made. Returns how many. */
  sweep(): Promise<number>;
}

/** `hasLayer` tells what a container may stand on. */
export function createContainerFolders(root: string, hasLayer: (chainId: string) => boolean): ContainerFolders {
  const containers = path.join(root, 'containers');
  const removed = path.join(root, 'removed');
  for (const folder of [containers, removed]) fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const pathOf = (id: string): string => path.join(containers, checkId(id));
  const known = new Map<string, string[]>();
  /** Where those are mounted that were prepared by this process; of others only the kernel's table tells. */
  const targets = new Map<string, Set<string>>();
  const layersOf = (id: string): string[] => {
    const layers = known.get(id) ?? readLower(pathOf(id), id);
    known.set(id, layers);
    return layers;
  };

  const requireUnmounted = (id: string): void => {
    if (targets.get(id)?.size === 0) return; // the table grows with the containers that run
    const mounted = findMount(pathOf(id));
    if (mounted === undefined) return;
    throw conflict(`the file system of container ${id} is mounted at ${mounted}`, { code: 'mounted' });
  };

  return {
    path: pathOf,
    requireUnmounted,
    noteMount: (id, target) => void targets.get(id)?.add(target),
    noteUnmount: (id, target) => void targets.get(id)?.delete(target),
    list: () => fs.readdirSync(containers).filter((name) => !name.startsWith('.')),
    layersOf,

    prepare(id, layers, fill) {
      const folder = pathOf(id);
      if (fs.existsSync(folder)) return;
      const missing = layers.find((layer) => !hasLayer(layer));
      if (missing !== undefined) {
        throw notFound(`layer ${missing} is not there: pull the image again`, { code: 'layer-missing' });
      }
      const unfinished = path.join(containers, `.${id}`);
      fs.rmSync(unfinished, { recursive: true, force: true });
      fs.mkdirSync(unfinished, { mode: 0o700 });
      fill(unfinished);
      fs.writeFileSync(path.join(unfinished, 'lower'), layers.join('\n'));
      fs.renameSync(unfinished, folder);
      targets.set(id, new Set());
    },

    async discard(id) {
      const folder = pathOf(id);
      if (!fs.existsSync(folder)) return;
      requireUnmounted(id);
      known.delete(id);
      targets.delete(id);
      const doomed = moveAway(folder, removed);
      if (doomed !== undefined && !removeSmallTree(doomed)) await removeTree(doomed);
    },

    async sweep() {
      const unfinished = fs.readdirSync(containers).filter((name) => name.startsWith('.'));
      for (const name of unfinished) await removeTree(path.join(containers, name));
      return unfinished.length;
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

/** Where a container's folder is mounted: as the upper folder of an overlay, or something below it by a bind. */
function findMount(folder: string): string | undefined {
  const upper = `upperdir=${folder.replace(/[\\:,]/g, '\\$&')}/`;
  const inside = `/containers/${path.basename(folder)}`;
  const entry = listMounts().find(({ type, superOptions, root, target }) =>
    type === 'overlay'
      ? unescapeOctal(superOptions).includes(upper)
      : path.dirname(root).endsWith(inside) && isSameFile(target, path.join(folder, path.basename(root))),
  );
  return entry?.target;
}

/** Another engine's root may have a container of that name too. What went meanwhile is the same as nothing. */
function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((file) => fs.statSync(file, { throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
