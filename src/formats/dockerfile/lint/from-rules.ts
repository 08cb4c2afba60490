import { parsePlatform } from '../../platform.ts';
import { parseReference } from '../../reference.ts';
import type { BuildPlatforms } from '../build-args.ts';
import { type Expansion, expandWord, type Variables } from '../expand-word.ts';
import { globalVariables } from '../global-args.ts';
import { nearestName } from '../suggestion.ts';
import type { Dockerfile, FromInstruction } from '../types.ts';
import type { Report } from './lint.ts';

/** Checks the images and platforms of FROM. Words that cannot be expanded are left to the build. */
export function checkFrom(
  dockerfile: Dockerfile,
  { platforms, variables }: { platforms: BuildPlatforms; variables: Variables },
  report: Report,
): void {
  const { escape: escapeToken } = dockerfile.directives;
  const expand = (word: string, scope: Variables): Expansion => expandWord(word, scope, { escape: escapeToken });
  const declared = new Set([
    ...variables.keys(),
    ...dockerfile.globalArgs.flatMap(({ args }) => args.map(({ key }) => key)),
  ]);
  const defaults = globalVariables(dockerfile, { platforms });
  for (const { from, name } of dockerfile.stages) {
    const image = expand(from.image, variables);
    reportUndeclared(from, image, declared, report);
    if (!isValidReference(expand(from.image, defaults).text)) {
      const message = `Default value for ARG ${from.image} results in empty or invalid base image name`;
      report('InvalidDefaultArgInFrom', message, from.statement);
    }
    if (from.platform === undefined) continue;
    const platform = expand(from.platform, variables);
    reportUndeclared(from, platform, declared, report);
    checkPlatform(from, { name: name ?? '', platform, variables }, report);
  }
}

function reportUndeclared(
  from: FromInstruction,
  { missing }: Expansion,
  declared: ReadonlySet<string>,
  report: Report,
): void {
  for (const arg of missing) {
    if (declared.has(arg)) continue;
    const near = nearestName(arg, [...declared]);
    const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
    report('UndefinedArgInFrom', `FROM argument '${arg}' is not declared${hint}`, from.statement);
  }
}

function isValidReference(text: string): boolean {
  try {
    return parseReference(text) !== undefined;
  } catch {
    return false;
  }
}

interface PlatformUse {
  readonly name: string;
  readonly platform: Expansion;
  readonly variables: Variables;
}

function checkPlatform(from: FromInstruction, { name, platform, variables }: PlatformUse, report: Report): void {
  const { used, missing, text } = platform;
  const [only] = used;
  if (used.size === 1 && missing.size === 0 && only === 'TARGETPLATFORM' && text === variables.get(only)) {
    const message = `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`;
    report('RedundantTargetPlatform', message, from.statement);
  }
  if (used.size > 0 || from.platform?.includes('$')) return;
  const parsed = tryPlatform(text);
  if (parsed === undefined || name.includes(parsed.os) || name.includes(parsed.architecture)) return;
  const message = `FROM --platform flag should not use constant value ${JSON.stringify(text)}`;
  report('FromPlatformFlagConstDisallowed', message, from.statement);
}

function tryPlatform(text: string): ReturnType<typeof parsePlatform> | undefined {
  try {
    return parsePlatform(text);
  } catch {
    return undefined;
  }
}
