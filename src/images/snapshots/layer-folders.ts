import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { conflict, errnoOf } from '../../base/errors.ts';
import { parseDigest } from '../../formats/digest.ts';
import { removeTree } from '../../host/remove-tree.ts';
import type { LayerStage } from './contract.ts';
import { moveAway } from './move-away.ts';

/**
 * The layers' folders: `layers/HEX/CONTENT` with HEX of the chain-id, `stages/` for layers being unpacked and
 * `removed/` for what is on its way out. What is published or removed is so by one rename, so that a kill leaves
 * nothing half there.
 */
export interface LayerFolders {
  list(): string[];
  has(chainId: string): boolean;
  path(chainId: string): string;
  /** An empty folder for images without layers. */
  empty(): string;
  stage(): Pick<LayerStage, 'folder' | 'commit' | 'abandon'>;
  /** Makes a folder on the same file system, with all that is in it, a layer; where the layer exists, it stays and the folder goes. */
  adopt(folder: string, chainId: string): Promise<void>;
  /** `users` are the containers that stand on it. @throws conflict when there is one. Idempotent. */
  remove(chainId: string, users: () => readonly string[]): Promise<void>;
  /** Removes stages, and what was being removed. Returns how many. */
  sweep(): Promise<number>;
}

/** `content` is the name of the folder inside a layer that holds its files. Makes the folders; synchronous, idempotent. */
export function createLayerFolders(root: string, content: string): LayerFolders {
  const at = (...parts: string[]): string => path.join(root, ...parts);
  for (const name of ['layers', 'stages', 'removed']) fs.mkdirSync(at(name), { recursive: true, mode: 0o700 });
  const folderOf = (chainId: string): string => at('layers', parseDigest(chainId).hex);

  return {
    list: () => fs.readdirSync(at('layers')).map((hex) => `sha256:${hex}`),
    has: (chainId) => fs.existsSync(folderOf(chainId)),
    path: (chainId) => path.join(folderOf(chainId), content),

    empty() {
      const folder = at('empty');
      fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
      return folder;
    },

    stage() {
      const stage = at('stages', randomBytes(8).toString('hex'));
      fs.mkdirSync(stage, { mode: 0o700 });
      try {
        fs.mkdirSync(path.join(stage, content), { mode: 0o755 });
      } catch (error) {
        fs.rmdirSync(stage);
        throw error;
      }
      return {
        folder: path.join(stage, content),
        async commit(chainId) {
          const target = folderOf(chainId);
          if (!fs.existsSync(stage) && fs.existsSync(target)) return; // published by an earlier call
          await publish(stage, target);
        },
        abandon: () => removeTree(stage),
      };
    },

    async adopt(folder, chainId) {
      const stage = at('stages', randomBytes(8).toString('hex'));
      fs.mkdirSync(stage, { mode: 0o700 });
      fs.renameSync(folder, path.join(stage, content));
      await publish(stage, folderOf(chainId));
    },

    async remove(chainId, users) {
      const [user] = users();
      if (user !== undefined) {
        throw conflict(`layer ${chainId} is in use by container ${user}`, { code: 'layer-in-use' });
      }
      const doomed = moveAway(folderOf(chainId), at('removed'));
      if (doomed !== undefined) await removeTree(doomed);
    },

    async sweep() {
      const left = ['stages', 'removed'].flatMap((name) => fs.readdirSync(at(name)).map((entry) => at(name, entry)));
      for (const folder of left) await removeTree(folder);
      return left.length;
    },
  };
}

async function publish(stage: string, target: string): Promise<void> {
  try {
    fs.renameSync(stage, target);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    await removeTree(stage);
  }
}
