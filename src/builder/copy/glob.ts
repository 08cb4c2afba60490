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
  const steps = namedPaths(tree, source);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value.filter((path) => tree.look(resolvePath(tree, path)) !== undefined);
}

/**
 * The same, whether they are there or not. Yields the folders whose names are looked at next: they may be brought until
 * it goes on.
 */
export function* namedPaths(
  tree: SourceTree,
  source: ByteString,
): Generator<readonly ByteString[], readonly ByteString[], void> {
  if (!isPattern(source)) return [cleanPath(source)];
  let found: ByteString[] = [''];
  for (const part of parts(source)) {
    if (part === '..') continue;
    if (!isPattern(part)) {
      found = found.map((folder) => join(folder, part.replaceAll(/\\(.)/g, '$1')));
      continue;
    }
    const expression = globToRegExp(part);
    yield found;
    found = found.flatMap((folder) =>
      tree
        .list(resolvePath(tree, folder))
        .filter((name) => expression.test(name))
        .map((name) => join(folder, name)),
    );
  }
  return found;
}
