import { type BuildPlatforms, platformArgs } from './build-args.ts';
import { type ExpandOptions, expandWord, type Variables } from './expand-word.ts';
import { locateIn } from './locate.ts';
import type { ArgInstruction, Dockerfile } from './types.ts';

export interface GlobalArgOptions {
  readonly platforms: BuildPlatforms;
  /** `--build-arg`. */
  readonly buildArgs?: Variables;
}

/**
 * The variables that FROM lines may use and that a stage's ARG without a value takes on: the platform's, then the
 * ARGs before the first FROM, each of them as `--build-arg` says. An ARG without a value is not in it.
 * @throws invalid, with the place, for a default that cannot be expanded.
 */
export function globalVariables(dockerfile: Dockerfile, options: GlobalArgOptions): Map<string, string> {
  const given = options.buildArgs ?? new Map<string, string>();
  const variables = platformArgs(options.platforms);
  for (const name of variables.keys()) variables.set(name, given.get(name) ?? variables.get(name) ?? '');
  for (const instruction of dockerfile.globalArgs) {
    for (const [key, value] of argValues(dockerfile, instruction, { given, variables })) variables.set(key, value);
  }
  return variables;
}

export interface ArgScope {
  /** `--build-arg`. */
  readonly given: Variables;
  /** What defaults may use. */
  readonly variables: Variables;
  /** Where an ARG without a value looks; nothing for ARGs before the first FROM. */
  readonly globals?: Variables;
}

/**
 * The values that an ARG gives: what was given for the build, else its default expanded, else the global ARG's of
 * that name. A name without any of them is left out.
 * @throws invalid, with the place, for a default that cannot be expanded.
 */
export function argValues(
  dockerfile: Dockerfile,
  instruction: ArgInstruction,
  { given, variables, globals }: ArgScope,
): Map<string, string> {
  const options: ExpandOptions = { escape: dockerfile.directives.escape };
  const values = new Map<string, string>();
  const scope = { get: (name: string) => values.get(name) ?? variables.get(name) };
  for (const { key, value } of instruction.args) {
    const expand = (word: string): string =>
      locateIn(dockerfile, instruction.statement, word, () => expandWord(word, scope, options).text);
    const chosen = given.get(key) ?? (value === undefined ? globals?.get(key) : expand(value));
    if (chosen === undefined) continue;
    values.set(key, chosen);
  }
  return values;
}
