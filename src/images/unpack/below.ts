import * as fs from 'node:fs';
import { getXattr } from '../../host/xattr.ts';
import { type Metadata, readMetadata } from './metadata.ts';
import { type ByteString, byteString, parentOf, systemPath } from './names.ts';

/** What the layers below show at a path, as overlayfs would: a folder's metadata, a link's target, or something else. */
export interface Found {
  readonly folder?: Metadata;
  readonly link?: Buffer;
}

export interface Below {
  find(relative: ByteString): Found | undefined;
  /** What is to be seen in the root. */
  inRoot(): ByteString[];
}

/** Looks paths up in the folders of the layers below, topmost first, without a mount. */
export function lookBelow(layers: readonly string[]): Below {
  const roots = layers.map(byteString);
  /** The layers in which a folder is to be seen, and nothing above hides it. */
  const visible = new Map<ByteString, readonly ByteString[]>([['', roots]]);

  const layersOf = (relative: ByteString): readonly ByteString[] => {
    let have = visible.get(relative);
    if (!have) {
      have = merge(layersOf(parentOf(relative)), relative).folders;
      visible.set(relative, have);
    }
    return have;
  };
  const below: Below = {
    inRoot() {
      const names = roots.flatMap((root) => fs.readdirSync(systemPath(root), { encoding: 'buffer' }).map(byteString));
      return [...new Set(names)].filter((name) => below.find(name) !== undefined);
    },
    find(relative) {
      if (relative === '') return roots[0] === undefined ? undefined : { folder: readMetadata(systemPath(roots[0])) };
      const { folders, top } = merge(layersOf(parentOf(relative)), relative);
      visible.set(relative, folders);
      if (folders[0] !== undefined) return { folder: readMetadata(systemPath(`${folders[0]}/${relative}`)) };
      if (top === undefined) return undefined;
      const path = systemPath(top);
      return fs.lstatSync(path).isSymbolicLink() ? { link: fs.readlinkSync(path, 'buffer') } : {};
    },
  };
  return below;
}

/** The layers whose folder of that name is merged, and the file that stands there when it is none. */
function merge(layers: readonly ByteString[], relative: ByteString): { folders: ByteString[]; top?: ByteString } {
  const folders: ByteString[] = [];
  for (const layer of layers) {
    const path = systemPath(`${layer}/${relative}`);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!stat) continue;
    if (!stat.isDirectory()) {
      const hides = isWhiteout(stat) || folders.length > 0;
      return hides ? { folders } : { folders, top: `${layer}/${relative}` };
    }
    folders.push(layer);
    if (getXattr(path, 'trusted.overlay.opaque')?.toString() === 'y') break;
  }
  return { folders };
}

/** overlayfs's mark of something deleted. */
export function isWhiteout(stat: fs.Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}
