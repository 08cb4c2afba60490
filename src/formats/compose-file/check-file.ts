import { invalid } from '../../base/errors.ts';
import { composeFile } from './file-shape.ts';
import { interpolate } from './interpolate.ts';
import type { Node } from './node.ts';
import { Problems } from './problems.ts';
import { read } from './shape.ts';
import type { Lookup } from './variables.ts';

/** How the loader sees the machine. */
export interface Files {
  /** @throws not-found when there is no such file. */
  readonly read: (file: string) => string;
  /** The file as messages call it. */
  readonly show: (file: string) => string;
  readonly home: string;
}

/** What reading one file needs; `include` and `extends` change parts of it. */
export interface FileContext {
  readonly folder: string;
  readonly lookup: Lookup;
  readonly access: Files;
  readonly warn: (text: string) => void;
  readonly unset: (name: string) => void;
  readonly interpolate: boolean;
  /** Files that are being included, outermost first. */
  readonly including: readonly string[];
}

/** Interpolates a tree and brings it into its long form. @throws invalid with all that is wrong. */
export function checkTree(tree: Node, context: FileContext): Node {
  const problems = new Problems();
  const filled = context.interpolate ? interpolate(tree, context.lookup, context.unset) : tree;
  if (filled.kind !== 'map') throw invalid(`${filled.place.file}:1:1: Top-level object must be a mapping`);
  if (filled.entries.has('version'))
    context.warn(
      `${filled.place.file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`,
    );
  const reading = { problems, folder: context.folder, home: context.access.home, lookup: context.lookup };
  const result = read(composeFile, filled, '', reading);
  problems.throwIfAny();
  return result;
}
