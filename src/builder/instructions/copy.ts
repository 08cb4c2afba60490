import { expandHeredoc, type Variables } from '../../formats/dockerfile/expand-word.ts';
import type { FileSource } from '../../formats/dockerfile/stage-graph.ts';
import type { AddInstruction, CopyInstruction, Heredoc } from '../../formats/dockerfile/types.ts';
import { compileDockerignore, parseDockerignore } from '../../formats/dockerignore.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import type { Build, Scope } from '../build-context.ts';
import { keyOf } from '../cache/keys.ts';
import { bringSources } from '../copy/bring.ts';
import { parseModeChange } from '../copy/mode.ts';
import { resolveOwner } from '../copy/owner.ts';
import { type CopyOptions, type CopySource, planCopy } from '../copy/plan.ts';
import { createTextTree } from '../sources/text-tree.ts';
import { bytes, readable, type SourceTree } from '../sources/tree.ts';
import { expander, type StageState, variablesOf } from '../state.ts';
import { placeFiles } from './place-files.ts';

/** COPY: from the context, an earlier stage or an image. */
export async function copy(state: StageState, instruction: CopyInstruction, scope: Scope): Promise<StageState> {
  const expand = expander(state);
  const { sources, from } = instruction;
  const origin = from === undefined ? undefined : await originOf(from, scope);
  const tree = origin?.tree ?? scope.build.files;
  const paths = sources.paths.map((path) => bytes(expand(path).text));
  await bringSources(scope, tree, paths, excludesOf(state, instruction));
  const list: CopySource[] = paths.map((path) => ({ kind: 'tree', tree, path }));
  list.push(...heredocSources(sources.heredocs, variablesOf(state)));
  return await place(state, instruction, scope, { list, origin: origin?.layers });
}

/** Plans and makes the layer of a COPY or ADD. */
export async function place(
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  scope: Scope,
  { list, origin }: { list: readonly CopySource[]; origin: readonly string[] | undefined },
): Promise<StageState> {
  const below = scope.build.treeOf(state.layers);
  const options = await optionsOf(state, instruction, below);
  const { owner, excludes: _excludes, mode: _mode, ...plain } = options;
  const { chmod, exclude } = instruction;
  const known =
    origin &&
    keyOf(
      'copy',
      origin.at(-1),
      state.layers.at(-1),
      plain,
      owner,
      chmod,
      exclude,
      list.map((one) => 'path' in one && one.path),
    );
  return await placeFiles(state, scope, {
    plan: () => planCopy(below, list, options),
    known,
    createdBy: historyLine(state, instruction),
  });
}

/** The flags that change what is copied, not where it is from, as BuildKit writes it. */
function historyLine(
  state: StageState,
  { name, chown, chmod, parents, sources }: CopyInstruction | AddInstruction,
): string {
  const expand = (text: string): string => expander(state)(text).text;
  const words = [
    ...(parents ? ['--parents'] : []),
    ...(chown === undefined ? [] : [`--chown=${expand(chown)}`]),
    ...(chmod === undefined ? [] : [`--chmod=${expand(chmod)}`]),
    ...sources.paths.map(expand),
    ...sources.heredocs.map((heredoc) => `<<${heredoc.name}`),
    expand(sources.destination),
  ];
  return `${name} ${words.join(' ')} # buildkit`;
}

async function optionsOf(
  state: StageState,
  instruction: CopyInstruction | AddInstruction,
  below: SourceTree,
): Promise<CopyOptions> {
  const expand = expander(state);
  const { chown, chmod, link, parents, sources, name } = instruction;
  const wanted = expand(sources.destination).text;
  const destination = wanted.startsWith('/') ? wanted : `${state.config.WorkingDir || '/'}/${wanted}`;
  return {
    ...{ instruction: name, destination: bytes(destination), link, parents },
    owner: chown === undefined ? undefined : await resolveOwner(below, expand(chown).text),
    mode: chmod === undefined ? undefined : parseModeChange(expand(chmod).text),
    excludes: excludesOf(state, instruction),
  };
}

/** Files given in the Dockerfile. */
export function heredocSources(heredocs: readonly Heredoc[], variables: Variables): CopySource[] {
  return heredocs.map(({ name, content, expand }) => {
    const text = expand ? expandHeredoc(content, variables).text : content;
    const key = bytes(name);
    const tree = createTextTree(new Map([[key, Buffer.from(text)]]), { mode: 0o644 });
    return { kind: 'file', tree, path: key, name: key };
  });
}

interface Origin {
  readonly tree: SourceTree;
  /** Undefined for what is of no image. */
  readonly layers: readonly string[] | undefined;
}

/** What `--from` names: a stage, the context or an image. */
export async function originOf(text: string, { build, step, sourceOf }: Scope): Promise<Origin> {
  const named = build.named.get(text.toLowerCase());
  if (named?.kind === 'files') return { tree: named.tree, layers: undefined };
  const source: FileSource = named ? { kind: 'image', name: named.name } : sourceOf(text);
  if (source.kind === 'context') return { tree: build.files, layers: undefined };
  if (source.kind === 'scratch') return { tree: build.treeOf([]), layers: [] };
  if (source.kind === 'image') return ofLayers(build, (await build.image(source.name, undefined, step)).layers);
  const stage = await build.stage(source.index);
  build.listener.waited(step);
  return ofLayers(build, stage.layers);
}

const ofLayers = (build: Build, layers: readonly string[]): Origin => ({ tree: build.treeOf(layers), layers });

/** Says which paths match patterns of `--exclude`. */
export function excludesOf(
  state: StageState,
  { exclude }: CopyInstruction | AddInstruction,
): ((path: ByteString) => boolean) | undefined {
  if (exclude.length === 0) return undefined;
  const patterns = exclude.map((one) => expander(state)(one).text);
  const ignore = compileDockerignore(parseDockerignore(patterns.join('\n')));
  return (path) => ignore.ignores(readable(path));
}
