import * as path from 'node:path';
import { invalid } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { AddInstruction } from '../../formats/dockerfile/types.ts';
import type { Scope } from '../build-context.ts';
import { download } from '../context/download.ts';
import { fetchGit, parseGitAddress } from '../context/git.ts';
import { bringSources } from '../copy/bring.ts';
import { matchPaths } from '../copy/glob.ts';
import type { CopySource } from '../copy/plan.ts';
import { openArchive } from '../sources/archive.ts';
import { bytes, resolvePath } from '../sources/tree.ts';
import { expander, type StageState, variablesOf } from '../state.ts';
import { excludesOf, heredocSources, place } from './copy.ts';

/** ADD: as COPY, from the web too, and archives are unpacked. */
export async function add(state: StageState, instruction: AddInstruction, scope: Scope): Promise<StageState> {
  const expand = expander(state);
  const { sources, unpack } = instruction;
  await using stack = new AsyncDisposableStack();
  const list: CopySource[] = [];
  const named = sources.paths.map((path) => expand(path).text);
  const local = named.filter((source) => !isRemote(source)).map(bytes);
  await bringSources(scope, scope.build.files, local, excludesOf(state, instruction));
  for (const source of named) {
    const remote = await remoteSource(source, instruction, scope, stack);
    if (remote) list.push(remote);
    else list.push(...(await localSources(source, unpack ?? true, scope, stack)));
  }
  list.push(...heredocSources(sources.heredocs, variablesOf(state)));
  return await place(state, instruction, scope, { list, origin: undefined });
}

const isRemote = (source: string): boolean => parseGitAddress(source) !== undefined || /^https?:\/\//.test(source);

/** What is not of the context: a repository, or a file from the web. Undefined for anything else. */
async function remoteSource(
  source: string,
  { checksum, keepGitDir = false, unpack = false }: AddInstruction,
  { build }: Scope,
  stack: AsyncDisposableStack,
): Promise<CopySource | undefined> {
  const { folder, signal } = build;
  const address = parseGitAddress(source);
  if (address) {
    if (checksum !== undefined) throw invalid('checksum is not taken for a repository: name the commit after "#"');
    const fetched = await fetchGit(address, { place: path.join(folder, newId()), keepGit: keepGitDir }, signal);
    build.materials.set(fetched.material.uri, fetched.material);
    return { kind: 'unpacked', tree: fetched.tree };
  }
  if (!/^https?:\/\//.test(source)) {
    if (checksum !== undefined)
      throw invalid("checksum can't be specified for files of the context", { code: 'checksum' });
    return undefined;
  }
  const got = stack.use(await download(source, { file: path.join(folder, newId()), checksum }, signal));
  build.materials.set(source, { uri: source, digest: { sha256: await got.tree.digest('file') } });
  const archive = unpack ? await openArchive(build, got.tree, 'file') : undefined;
  if (archive) return { kind: 'unpacked', tree: stack.use(archive) };
  return { kind: 'file', tree: got.tree, path: 'file', name: bytes(got.name) };
}

async function localSources(
  source: string,
  unpack: boolean,
  { build }: Scope,
  stack: AsyncDisposableStack,
): Promise<CopySource[]> {
  const tree = build.files;
  const plain: CopySource = { kind: 'tree', tree, path: bytes(source) };
  if (!unpack) return [plain];
  const list: CopySource[] = [];
  for (const named of matchPaths(tree, bytes(source))) {
    const archive = await openArchive(build, tree, resolvePath(tree, named));
    if (archive) list.push({ kind: 'unpacked', tree: stack.use(archive) });
    else list.push({ ...plain, path: named });
  }
  return list.length === 0 ? [plain] : list;
}
