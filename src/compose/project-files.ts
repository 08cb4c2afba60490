import { existsSync, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { errnoOf, messageOf, notFound, TugError } from '../base/errors.ts';
import { parseDotEnv } from '../formats/compose-file/dotenv.ts';

const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const overrideNames = [
  ...['compose.override.yaml', 'compose.override.yml'],
  ...['docker-compose.override.yml', 'docker-compose.override.yaml'],
];
const largestFile = 16 * 1024 * 1024;

export type Environment = Readonly<Record<string, string | undefined>>;

/** How a command says which project it means. */
export interface ProjectChoice {
  /** `-f`; `-` is standard input. */
  readonly files: readonly string[];
  readonly folder: string | undefined;
  readonly name: string | undefined;
  readonly envFiles: readonly string[];
  readonly profiles: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
}

export interface ProjectFiles {
  /** Absolute, `-` for standard input. */
  readonly files: readonly string[];
  readonly folder: string;
  /** The process's environment, then that of the environment files. */
  readonly lookup: (name: string) => string | undefined;
  readonly envFiles: readonly string[];
  /** What the environment files say. */
  readonly variables: ReadonlyMap<string, string>;
  readonly profiles: readonly string[];
  readonly name: string | undefined;
}

/**
 * Finds a project's files as Docker Compose does: those of `-f` or COMPOSE_FILE, else `compose.yaml` and its older
 * names here or in a folder above, with the override file beside it; and the environment of `.env` or `--env-file`.
 * @throws not-found when there is none.
 */
export function findProject(choice: ProjectChoice): ProjectFiles {
  const { cwd, env } = choice;
  const early = environmentOf(choice, choice.folder ?? cwd);
  const files = givenFiles(choice, early.lookup) ?? searchUp(cwd);
  const first = files[0] ?? '-';
  const folder = path.resolve(cwd, choice.folder ?? (first === '-' ? cwd : path.dirname(first)));
  const { lookup, envFiles, variables } =
    folder === path.resolve(cwd, choice.folder ?? cwd) ? early : environmentOf(choice, folder);
  const profiles = choice.profiles.length > 0 ? choice.profiles : splitList(lookup('COMPOSE_PROFILES') ?? '', ',');
  const name = choice.name ?? (env['COMPOSE_PROJECT_NAME'] || lookup('COMPOSE_PROJECT_NAME') || undefined);
  return { files, folder, lookup, envFiles, variables, profiles, name };
}

function givenFiles({ files, cwd }: ProjectChoice, lookup: ProjectFiles['lookup']): string[] | undefined {
  const separator = lookup('COMPOSE_PATH_SEPARATOR') ?? ':';
  const named = files.length > 0 ? files : splitList(lookup('COMPOSE_FILE') ?? '', separator);
  if (named.length === 0) return undefined;
  return named.map((file) => (file === '-' ? file : path.resolve(cwd, file)));
}

const splitList = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');

function searchUp(cwd: string): string[] {
  for (let folder = path.resolve(cwd); ; folder = path.dirname(folder)) {
    const found = fileNames.map((name) => path.join(folder, name)).find((file) => existsSync(file));
    if (found !== undefined) {
      const override = overrideNames.map((name) => path.join(folder, name)).find((file) => existsSync(file));
      return override === undefined ? [found] : [found, override];
    }
    if (folder === path.dirname(folder)) break;
  }
  throw notFound('no configuration file provided: not found', { code: 'no-compose-file' });
}

function environmentOf(
  choice: ProjectChoice,
  folder: string,
): { lookup: ProjectFiles['lookup']; envFiles: string[]; variables: ReadonlyMap<string, string> } {
  const { cwd, env } = choice;
  const named = choice.envFiles.length > 0 ? choice.envFiles : splitList(env['COMPOSE_ENV_FILES'] ?? '', ',');
  const values = new Map<string, string>();
  const lookup = (name: string): string | undefined => env[name] ?? values.get(name);
  const standard = path.resolve(cwd, folder, '.env');
  const files = named.length > 0 ? named.map((file) => path.resolve(cwd, file)) : isFile(standard) ? [standard] : [];
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw notFound(`couldn't find env file: ${file}`, { cause: error });
    }
    for (const [name, value] of parseDotEnv(text, file, lookup)) values.set(name, value);
  }
  return { lookup, envFiles: files, variables: values };
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** Reads a file of a project. @throws not-found, or invalid for one that is too large or cannot be read. */
export function readProjectFile(file: string): string {
  try {
    const descriptor = file === '-' ? 0 : file;
    if (file !== '-' && statSync(file).size > largestFile)
      throw new TugError('invalid', `${file}: the file is larger than ${largestFile / 1024 / 1024} MiB`);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    if (error instanceof TugError) throw error;
    const missing = errnoOf(error) === 'ENOENT';
    throw new TugError(
      missing ? 'not-found' : 'invalid',
      missing ? `open ${file}: no such file or directory` : messageOf(error),
      {
        cause: error,
      },
    );
  }
}
