import type { Ignore, IgnoreState } from '../../formats/dockerignore.ts';
import { type ByteString, parentOf } from '../../images/unpack/names.ts';
import { join, readable, type SourceTree } from './tree.ts';

/** A tree without what a .dockerignore leaves out. A folder that is left out stays where something in it does not. */
export function withoutIgnored(tree: SourceTree, ignore: Ignore): SourceTree {
  const states = new Map<ByteString, { readonly state: IgnoreState; readonly shown: boolean }>([
    ['', { state: ignore.root, shown: true }],
  ]);
  const stateOf = (path: ByteString): { readonly state: IgnoreState; readonly shown: boolean } => {
    const known = states.get(path);
    if (known) return known;
    const parent = stateOf(parentOf(path));
    const { ignored, state, prune } = ignore.check(readable(path), parent.state);
    const isFolder = tree.look(path)?.kind === 'directory';
    states.set(path, { state, shown: false }); // until it is known
    const shown = ignored
      ? isFolder && !prune && tree.list(path).some((name) => stateOf(join(path, name)).shown)
      : true;
    const found = { state, shown };
    states.set(path, found);
    return found;
  };
  const isShown = (path: ByteString): boolean => {
    for (let at = path; at !== ''; at = parentOf(at)) if (!stateOf(at).shown) return false;
    return true;
  };
  return {
    look: (path) => (isShown(path) ? tree.look(path) : undefined),
    list: (path) => tree.list(path).filter((name) => stateOf(join(path, name)).shown),
    digest: (path) => tree.digest(path),
    read: (path) => tree.read(path),
    own: (path) => tree.own?.(path),
  };
}
