import * as path from 'node:path';
import { invalid } from '../../base/errors.ts';
import { checkTree, type FileContext, type Files } from './check-file.ts';
import { expandServices } from './extends.ts';
import { finish } from './finish.ts';
import { includeFiles } from './include.ts';
import { dropResets, mergeAll } from './merge.ts';
import type { Project } from './model.ts';
import { checkProjectName, projectNameFrom } from './names.ts';
import { getText, type MapNode, type Node } from './node.ts';
import { fromOldFormat } from './old-format.ts';
import { parseYaml } from './parse.ts';
import { type Lookup, substitute } from './variables.ts';

export interface LoadOptions {
  /** Absolute paths; later ones go first. At least one. */
  readonly files: readonly string[];
  readonly folder: string;
  /** The name that was asked for; else that of the files, else the folder's. */
  readonly name: string | undefined;
  readonly lookup: Lookup;
  readonly access: Files;
  readonly warn: (text: string) => void;
  /** False leaves variables and defaults as they stand: for `config --no-interpolate`. */
  readonly interpolate?: boolean;
}

export interface Loaded {
  readonly project: Project;
  /** The merged files in their long form, before names and defaults were added. */
  readonly tree: MapNode;
}

/**
 * Loads a project from its files: reads, interpolates, checks, extends, includes, merges, and adds names and
 * defaults. @throws invalid naming file, line, column and key; not-found for a missing file.
 */
export function loadProject(options: LoadOptions): Loaded {
  const told = new Set<string>();
  const unset = (name: string): void => {
    if (told.has(name)) return;
    told.add(name);
    options.warn(`The ${JSON.stringify(name)} variable is not set. Defaulting to a blank string.`);
  };
  const sources = options.files.map((file) => ({ file, trees: readTrees(file, options.access) }));
  const name = projectName(
    options,
    sources.flatMap(({ trees }) => trees),
  );
  const context: FileContext = {
    folder: options.folder,
    lookup: (variable) => (variable === 'COMPOSE_PROJECT_NAME' ? name : options.lookup(variable)),
    access: options.access,
    warn: options.warn,
    unset,
    interpolate: options.interpolate ?? true,
    including: [],
  };
  const merged = dropResets(mergeAll(sources.map(({ file, trees }) => readSource(file, trees, context))));
  return { project: finish(merged as MapNode, name, context), tree: merged as MapNode };
}

/** The tree of a file with what it extends and includes. */
function loadFile(file: string, context: FileContext): Node {
  return readSource(file, readTrees(file, context.access), context);
}

const readTrees = (file: string, access: Files): Node[] => {
  const shown = access.show(file);
  const trees = parseYaml(access.read(file), shown).map(fromOldFormat);
  if (trees.length === 0) throw invalid(`${shown}:1:1: empty compose file`, { code: 'compose-file' });
  return trees;
};

function readSource(file: string, trees: readonly Node[], context: FileContext): Node {
  const documents = trees.map((tree) => checkTree(tree, context));
  const own = expandServices(mergeAll(documents), file, context);
  return includeFiles(own, file, context, loadFile);
}

function projectName(options: LoadOptions, trees: readonly Node[]): string {
  if (options.name !== undefined) return checkProjectName(options.name);
  const given = trees.map((tree) => getText(tree, 'name')).findLast((text) => text !== undefined);
  if (given !== undefined) return checkProjectName(substitute(given, { lookup: options.lookup, unset: () => {} }));
  return checkProjectName(projectNameFrom(path.basename(options.folder)));
}
