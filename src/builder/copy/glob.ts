import { globToRegExp } from '../../images/glob.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { cleanPath, join, parts, resolvePath, type SourceTree } from '../sources/tree.ts';

/** Whether a pattern of COPY has more than one meaning: `*`, `?`, `[a-z]`. */
export const isPattern = (text: ByteString): boolean => /[*?[]/.test(text);

/**
 * The paths of a tree that a source of COPY stands for, as they were named, in order. A source without a pattern that is
 * not there gives none. Links on the way are followed inside the tree.
 */
export function matchPaths(tree: SourceTree, source: ByteString): ByteString[] {
  if (!isPattern(source)) {
    const path = cleanPath(source);
    return tree.look(resolvePath(tree, path)) ? [path] : [];
  }
  let found: ByteString[] = [''];
  for (const part of parts(source)) {
    if (part === '..') continue;
    if (!isPattern(part)) {
      found = found.map((folder) => join(folder, part.replaceAll(/\\(.)/g, '$1')));
      continue;
    }
    const expression = globToRegExp(part);
    found = found.flatMap((folder) =>
      tree
        .list(resolvePath(tree, folder))
        .filter((name) => expression.test(name))
        .map((name) => join(folder, name)),
    );
  }
  return found.filter((path) => tree.look(resolvePath(tree, path)) !== undefined);
}
