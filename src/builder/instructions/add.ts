import { unsupported } from '../../base/errors.ts';
import type { AddInstruction } from '../../formats/dockerfile/types.ts';
import type { Scope } from '../build-context.ts';
import { matchPaths } from '../copy/glob.ts';
import type { CopySource } from '../copy/plan.ts';
import { openArchive } from '../sources/archive.ts';
import { bytes, resolvePath } from '../sources/tree.ts';
import { expander, type StageState, variablesOf } from '../state.ts';
import { heredocSources, place } from './copy.ts';

/** ADD: as COPY, from the web too, and archives are unpacked. */
export async function add(state: StageState, instruction: AddInstruction, scope: Scope): Promise<StageState> {
  const expand = expander(state);
  const { sources, unpack } = instruction;
  await using stack = new AsyncDisposableStack();
  const list: CopySource[] = [];
  for (const written of sources.paths) {
    const path = expand(written).text;
    if (isRemote(path)) throw unsupported(`ADD ${path}: nothing is fetched from the web on this engine yet; use RUN`);
    list.push(...(await localSources(path, unpack ?? true, scope, stack)));
  }
  list.push(...heredocSources(sources.heredocs, variablesOf(state)));
  return await place(state, instruction, scope, { list, origin: undefined });
}

const isRemote = (path: string): boolean => /^(https?|ftp|git|ssh):\/\/|^git@/.test(path);

async function localSources(
  path: string,
  unpack: boolean,
  { build }: Scope,
  stack: AsyncDisposableStack,
): Promise<CopySource[]> {
  const tree = build.files;
  const plain: CopySource = { kind: 'tree', tree, path: bytes(path) };
  if (!unpack) return [plain];
  const list: CopySource[] = [];
  for (const named of matchPaths(tree, bytes(path))) {
    const archive = await openArchive(build, tree, resolvePath(tree, named));
    if (archive) list.push({ kind: 'unpacked', tree: stack.use(archive) });
    else list.push({ ...plain, path: named });
  }
  return list.length === 0 ? [plain] : list;
}
