import * as path from 'node:path';
import type { FileContext } from './check-file.ts';
import { parseDotEnv } from './dotenv.ts';
import { mergeAll } from './merge.ts';
import { type Entry, getNode, getText, type MapNode, mapOfEntries, type Node, toPlain, withKeys } from './node.ts';
import { problem } from './problems.ts';
import type { Lookup } from './variables.ts';

type LoadFile = (file: string, context: FileContext) => Node;

const sections = ['services', 'networks', 'volumes', 'secrets', 'configs', 'models'];

/**
 * A file's tree with what its `include` names. An included file is loaded with its own folder and `.env`; what it
 * brings must not be in the file already, other than word for word.
 * @param load reads one file with what it includes itself.
 * @throws invalid naming both places for what is there twice, and for a file that includes itself.
 */
export function includeFiles(tree: Node, file: string, context: FileContext, load: LoadFile): Node {
  const includes = getNode(tree, 'include');
  if (tree.kind !== 'map' || includes?.kind !== 'list') return tree;
  if (context.including.includes(file))
    throw problem(
      includes.place,
      `include cycle detected: ${[...context.including, file].map(context.access.show).join(' includes ')}`,
    );
  let result: MapNode = withKeys(tree, { include: undefined });
  for (const item of includes.items) result = adopt(result, loadIncluded(item, file, context, load));
  return result;
}

function loadIncluded(item: Node, file: string, context: FileContext, load: LoadFile): Node {
  const files = textsOf(item, 'path').map((name) => path.resolve(context.folder, name));
  const [first] = files;
  if (first === undefined) throw problem(item.place, 'include needs a path');
  const given = getText(item, 'project_directory');
  const folder = given === undefined ? path.dirname(first) : path.resolve(context.folder, given);
  const lookup = environmentOf(item, folder, context);
  const inner = { ...context, folder, lookup, including: [...context.including, file] };
  return mergeAll(files.map((one) => load(one, inner)));
}

/** The project's environment goes before that of the included file. */
function environmentOf(item: Node, folder: string, { access, lookup, folder: outer }: FileContext): Lookup {
  const named = textsOf(item, 'env_file').map((name) => path.resolve(outer, name));
  const values = new Map<string, string>();
  const take = (file: string): void => {
    for (const [name, value] of parseDotEnv(
      access.read(file),
      access.show(file),
      (one) => lookup(one) ?? values.get(one),
    ))
      values.set(name, value);
  };
  if (named.length > 0) named.forEach(take);
  else takeIfThere(() => take(path.join(folder, '.env')));
  return (name) => lookup(name) ?? values.get(name);
}

function takeIfThere(take: () => void): void {
  try {
    take();
  } catch (error) {
    if ((error as { kind?: string }).kind !== 'not-found') throw error;
  }
}

function textsOf(item: Node, key: string): string[] {
  const value = getNode(item, key);
  if (value?.kind !== 'list') return [];
  return value.items.flatMap((one) => (one.kind === 'scalar' ? [String(one.value)] : []));
}

function adopt(tree: MapNode, included: Node): MapNode {
  let result = tree;
  for (const section of sections) {
    const theirs = getNode(included, section);
    if (theirs?.kind !== 'map') continue;
    const ours = getNode(result, section);
    const entries = new Map<string, Entry>(ours?.kind === 'map' ? ours.entries : []);
    for (const [name, entry] of theirs.entries) {
      const before = entries.get(name);
      if (before && JSON.stringify(toPlain(before.value)) !== JSON.stringify(toPlain(entry.value)))
        throw problem(
          before.place,
          `${section}.${name} conflicts with imported resource ${section}.${name} of ${entry.place.file}`,
        );
      entries.set(name, entry);
    }
    result = withKeys(result, { [section]: mapOfEntries(theirs.place, entries) });
  }
  return result;
}
