import * as fs from 'node:fs';
import type { NeededPath } from '../../formats/context-listing.ts';
import type { Ignore, IgnoreState } from '../../formats/dockerignore.ts';
import { look } from '../copy/local.ts';
import { checkFolder, type FoundFile, folderNames, placeOf, readableName, type Walk, walk } from './context.ts';

/** A file on the way to what is needed, or of it. */
export interface NeededFile extends FoundFile {
  /** Whether all of it is needed, and not its name alone. */
  readonly whole: boolean;
}

/**
 * What of a folder of this host is needed, and the folders and links on the way there, without what `ignore` leaves out.
 * Nothing else is looked at. No link is followed; what is not there is left out. @throws invalid when something cannot be read.
 */
export function neededFiles(folder: string, ignore: Ignore, needs: readonly NeededPath[]): Generator<NeededFile> {
  checkFolder(folder);
  const all = { top: Buffer.from(folder).toString('latin1'), ignore, always: new Set<string>(), owed: [] };
  return visit(all, '', treeOf(needs), ignore.root);
}

interface Need {
  deep: boolean;
  names: boolean;
  readonly inside: Map<string, Need>;
}

const nothing = (): Need => ({ deep: false, names: false, inside: new Map() });

function treeOf(needs: readonly NeededPath[]): Need {
  const top = nothing();
  for (const { path, deep } of needs) {
    let at = top;
    for (const part of path === '' ? [] : path.split('/')) {
      const next = at.inside.get(part) ?? nothing();
      at.inside.set(part, next);
      at = next;
    }
    if (deep) at.deep = true;
    else at.names = true;
  }
  return top;
}

function* visit(all: Walk, folder: string, need: Need, above: IgnoreState): Generator<NeededFile> {
  if (need.deep) {
    for (const found of walk(all, folder, above)) yield { ...found, whole: true };
    return;
  }
  const { ignore, owed } = all;
  for (const text of need.names ? folderNames(all, folder) : [...need.inside.keys()].sort()) {
    const name = folder === '' ? text : `${folder}/${text}`;
    const { ignored, state, prune } = ignore.check(readableName(name), above);
    const file = placeOf(all, name);
    const stat =
      ignored && prune
        ? undefined
        : look('lstat', file, () => fs.lstatSync(file, { bigint: true, throwIfNoEntry: false }));
    if (!stat) continue;
    const found = { file, name, stat };
    const inside = need.inside.get(text) ?? nothing();
    if (!ignored) yield* [...owed.splice(0), found].map((one) => ({ ...one, whole: one === found && inside.deep }));
    if (!stat.isDirectory()) continue;
    if (ignored) owed.push(found);
    yield* visit(all, name, inside, state);
    if (need.names && owed.at(-1) === found) yield* unlessEmpty(all, found, state);
    if (owed.at(-1) === found) owed.pop();
  }
}

/** A folder that is left out, and those above it that are, when something in it is not. */
function* unlessEmpty(all: Walk, folder: FoundFile, state: IgnoreState): Generator<NeededFile> {
  for (const found of walk(all, folder.name, state)) {
    yield { ...found, whole: false };
    if (found === folder) return;
  }
}
