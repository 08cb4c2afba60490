import { type Expansion, expandHeredoc, expandWord, type Variables } from './expand-word.ts';
import { argValues } from './global-args.ts';
import { locateIn } from './locate.ts';
import { mountValues } from './run-mount.ts';
import type { FileSource, PlannedStage, StageGraph } from './stage-graph.ts';
import type { CopySources, Dockerfile, Instruction, Stage } from './types.ts';

/** What is known of a base image. */
export interface ImageFacts {
  readonly env: Variables;
  /** True if the image has a SHELL of its own. */
  readonly shell: boolean;
}

export interface StageWalkOptions {
  /** `--build-arg`. */
  readonly buildArgs: Variables;
  /** As `globalVariables` gives them. */
  readonly globals: Variables;
  /** What is known of an image by its name in FROM. Undefined when nothing is. */
  readonly image: (name: string) => ImageFacts | undefined;
}

/** An instruction at its turn. */
export interface StageStep {
  readonly planned: PlannedStage;
  readonly instruction: Stage['instructions'][number];
  /** The environment before it, with the ARGs that are declared. */
  readonly env: Variables;
  /** The variables it uses that nothing defines. Empty where the base image is not known. */
  readonly missing: readonly string[];
  /** The values an ARG gives. */
  readonly values: Variables;
  /** Its words (`expandableWords`), expanded. */
  readonly words: readonly Expansion[];
  /** True if the stage or what it is made from has a SHELL. */
  readonly shell: boolean;
  /** True if a WORKDIR came before it, in this stage or one that it is made from. */
  readonly workdir: boolean;
}

interface StageState {
  readonly env: Map<string, string>;
  readonly declared: Set<string>;
  readonly known: boolean;
  shell: boolean;
  workdir: boolean;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Goes through the instructions of these stages as a build would, keeping the environment, and calls `visit` at each.
 * @throws invalid, with the place, for a word that cannot be expanded.
 */
export function walkStages(
  dockerfile: Dockerfile,
  { stages }: StageGraph,
  wanted: readonly number[],
  options: StageWalkOptions,
  visit: (step: StageStep) => void,
): void {
  const states = new Map<number, StageState>();
  for (const index of wanted) {
    const planned = stages[index];
    if (planned === undefined) continue;
    const state = startState(planned.base, states, options);
    for (const instruction of planned.stage.instructions) {
      visit(takeStep(dockerfile, planned, instruction, state, options));
    }
    states.set(index, state);
  }
}

function startState(base: FileSource, states: ReadonlyMap<number, StageState>, options: StageWalkOptions): StageState {
  const before = base.kind === 'stage' ? states.get(base.index) : undefined;
  if (before !== undefined) return { ...before, env: new Map(before.env), declared: new Set(before.declared) };
  const facts = base.kind === 'image' ? options.image(base.name) : undefined;
  return {
    env: new Map([['PATH', defaultPath], ...(facts?.env ?? [])]),
    declared: new Set(),
    known: base.kind === 'scratch' || facts !== undefined,
    shell: facts?.shell ?? false,
    workdir: false,
  };
}

function takeStep(
  dockerfile: Dockerfile,
  planned: PlannedStage,
  instruction: Stage['instructions'][number],
  state: StageState,
  { buildArgs, globals }: StageWalkOptions,
): StageStep {
  const env = new Map(state.env);
  const { workdir } = state;
  const expansions = expandAll(dockerfile, instruction, env);
  const missing = new Set(expansions.flatMap((expansion) => [...expansion.missing]));
  let values: Variables = new Map();
  if (instruction.name === 'ARG') {
    values = argValues(dockerfile, instruction, { given: buildArgs, variables: env, globals });
    for (const { key } of instruction.args) state.declared.add(key);
    for (const [key, value] of values) state.env.set(key, value);
  }
  if (instruction.name === 'ENV') {
    const texts = expansions.map(({ text }) => text);
    instruction.pairs.forEach((_, index) => {
      state.env.set(texts[2 * index] ?? '', texts[2 * index + 1] ?? '');
    });
  }
  state.shell ||= instruction.name === 'SHELL';
  state.workdir ||= instruction.name === 'WORKDIR';
  const undefinedNames = state.known ? [...missing].filter((name) => !state.declared.has(name)) : [];
  return { planned, instruction, env, missing: undefinedNames, values, words: expansions, shell: state.shell, workdir };
}

function expandAll(dockerfile: Dockerfile, instruction: Instruction, env: Variables): Expansion[] {
  const options = { escape: dockerfile.directives.escape };
  const { statement } = instruction;
  const words = expandableWords(instruction).map((word) =>
    locateIn(dockerfile, statement, word, () => expandWord(word, env, options)),
  );
  const heredocs = 'sources' in instruction ? instruction.sources.heredocs.filter(({ expand }) => expand) : [];
  return [
    ...words,
    ...heredocs.map(({ content }) => locateIn(dockerfile, statement, '', () => expandHeredoc(content, env))),
  ];
}

const sourceWords = ({ paths, destination }: CopySources): string[] => [...paths, destination];
const present = (...words: readonly (string | undefined)[]): string[] => words.filter((word) => word !== undefined);

/** The words of an instruction in which the builder expands variables, as written; for ENV and LABEL keys and values. */
export function expandableWords(instruction: Instruction): string[] {
  switch (instruction.name) {
    case 'ADD':
      return present(...sourceWords(instruction.sources), instruction.chown, instruction.chmod, instruction.checksum);
    case 'COPY':
      return present(...sourceWords(instruction.sources), instruction.chown, instruction.chmod);
    case 'ARG':
      return instruction.args.flatMap(({ key, value }) => present(key, value));
    case 'ENV':
    case 'LABEL':
      return instruction.pairs.flatMap(({ key, value }) => [key, value]);
    case 'EXPOSE':
      return [...instruction.ports];
    case 'VOLUME':
      return [...instruction.paths];
    case 'WORKDIR':
      return [instruction.path];
    case 'USER':
      return [instruction.user];
    case 'STOPSIGNAL':
      return [instruction.signal];
    case 'RUN':
      return instruction.mounts.flatMap(mountValues);
    default:
      return [];
  }
}
