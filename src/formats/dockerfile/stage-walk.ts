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
  /** The environment before it, with the ARGs that are declared. It changes after the visit. */
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
      const step = createStep(dockerfile, planned, instruction, state, options);
      visit(step);
      takeStep(step, state);
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

function createStep(
  dockerfile: Dockerfile,
  planned: PlannedStage,
  instruction: StageStep['instruction'],
  { env, declared, known, shell, workdir }: StageState,
  { buildArgs, globals }: StageWalkOptions,
): StageStep {
  const words = expandAll(dockerfile, instruction, env);
  const missing = known ? missingOf(instruction, words).filter((name) => !declared.has(name)) : [];
  const values =
    instruction.name === 'ARG'
      ? argValues(dockerfile, instruction, { given: buildArgs, variables: env, globals })
      : new Map<string, string>();
  return { planned, instruction, env, missing, values, words, shell, workdir };
}

/** The variables that an instruction lacks, each once. In one ARG a value may use the names before it. */
function missingOf(instruction: Instruction, words: readonly Expansion[]): string[] {
  const missing = new Set<string>();
  const before = new Set<string>();
  let at = 0;
  for (const { key, value } of instruction.name === 'ARG' ? instruction.args : []) {
    const end = at + (value === undefined ? 0 : 1);
    for (const name of words.slice(at, end).flatMap((word) => [...word.missing]))
      if (!before.has(name)) missing.add(name);
    before.add(key);
    at = end;
  }
  for (const word of words.slice(at)) for (const name of word.missing) missing.add(name);
  return [...missing];
}

function takeStep({ instruction, values, words }: StageStep, state: StageState): void {
  if (instruction.name === 'ARG') {
    for (const { key } of instruction.args) state.declared.add(key);
    for (const [key, value] of values) state.env.set(key, value);
  }
  if (instruction.name === 'ENV') {
    const texts = words.map(({ text }) => text);
    for (let at = 0; at < texts.length; at += 2) state.env.set(texts[at] ?? '', texts[at + 1] ?? '');
  }
  state.shell ||= instruction.name === 'SHELL';
  state.workdir ||= instruction.name === 'WORKDIR';
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

/** The words of an instruction in which the builder expands variables, as written; for ENV and LABEL keys and values, for ARG values. */
export function expandableWords(instruction: Instruction): string[] {
  switch (instruction.name) {
    case 'ADD':
      return present(...sourceWords(instruction.sources), instruction.chown, instruction.chmod, instruction.checksum);
    case 'COPY':
      return present(...sourceWords(instruction.sources), instruction.chown, instruction.chmod);
    case 'ARG':
      return instruction.args.flatMap(({ value }) => present(value));
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
