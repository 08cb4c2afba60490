import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { actAsOwner } from '../../host/file-ids.ts';
import { unmount } from '../../host/mount.ts';
import { bindMapped } from '../../host/mount-tree.ts';
import type { MountMapping } from './contract.ts';

/** A driver's folder seen with the ids of a user namespace. Layers are shared with everybody and nothing is chowned. */
export interface MappedView {
  /**
   * Runs `work`, which mounts something of the root. It is given where a folder of the root is to be taken from. Without
   * a mapping that is the folder itself; with one, it is below a mount of the root that is there for this moment, and the
   * mounting is done as the owner of what will be made in it, whom overlayfs acts as from then on.
   * Killed meanwhile, that mount stays until `clear`.
   */
  use(mapping: MountMapping | undefined, work: (seen: (folder: string) => string) => void): void;
  /** Takes away the mount that a killed engine left. Idempotent. */
  clear(): void;
}

export function createMappedView(root: string): MappedView {
  const place = path.join(root, 'mapped');
  const clear = (): void => {
    while (unmount(place, { detach: true })) {}
  };
  return {
    clear,
    use(mapping, work) {
      if (!mapping) return work((folder) => folder);
      clear();
      mkdirSync(place, { recursive: true, mode: 0o700 });
      bindMapped(root, place, mapping.userNamespace);
      try {
        using _ = actAsOwner(mapping.root);
        work((folder) => path.join(place, path.relative(root, folder)));
      } finally {
        clear();
      }
    },
  };
}
