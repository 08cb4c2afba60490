import { invalid } from '../../base/errors.ts';
import { expandWord, type Variables } from './expand-word.ts';
import { errorAt, locateIn } from './locate.ts';
import { mountFrom } from './run-mount.ts';
import { nearestName } from './suggestion.ts';
import { parseTrigger } from './trigger.ts';
import type { Dockerfile, Instruction, OnbuildInstruction, Stage, Statement } from './types.ts';

/** Where files come from. */
export type FileSource =
  | { readonly kind: 'stage'; readonly index: number }
  /** An image by the name as written and expanded, or a named context: `--build-context` decides. */
  | { readonly kind: 'image'; readonly name: string }
  | { readonly kind: 'scratch' }
  /** The build context itself: `--from=context`. */
  | { readonly kind: 'context' };

/** A stage and what it needs. */
export interface PlannedStage {
  readonly stage: Stage;
  readonly base: FileSource;
  /** The value of `--platform`, expanded. */
  readonly platform?: string;
  /** What each `--from` of COPY and of mounts in this stage means, by its text. */
  readonly sources: ReadonlyMap<string, FileSource>;
  /** The stages that must be there before this one, its base first; each once. */
  readonly needs: readonly number[];
}

export interface StageGraph {
  /** One for each stage of the file, in its order. */
  readonly stages: readonly PlannedStage[];
  readonly target: number;
  /** The stages the target needs, itself last: each comes after what it needs. */
  readonly order: readonly number[];
  /** The stages that the target does not need. */
  readonly unused: readonly number[];
}

export interface StageGraphOptions {
  /** `--target`: a name or a number. The last stage unless told. */
  readonly target?: string;
  /** As `globalVariables` gives them. */
  readonly variables: Variables;
}

/**
 * Finds out which stages a build needs and in what order.
 * @throws invalid in Docker's words, with the place: a blank base name, a stage number that is not there, stages that
 * need each other, a stage that is needed before it is defined, a target that is not there.
 */
export function planStages(dockerfile: Dockerfile, options: StageGraphOptions): StageGraph {
  const names = new Map(dockerfile.stages.flatMap(({ name, index }) => (name === undefined ? [] : [[name, index]])));
  const before = new Map<string, number>();
  const stages = dockerfile.stages.map((stage) => {
    const planned = planStage({ dockerfile, names, before, variables: options.variables }, stage);
    if (stage.name !== undefined) before.set(stage.name, stage.index);
    return planned;
  });
  const target = findTarget(dockerfile.stages, names, options.target);
  refuseCycles(dockerfile, stages);
  const needed = reachable(stages, target);
  refuseForwardReferences(dockerfile, stages, needed);
  const all = stages.map((_, index) => index);
  return {
    stages,
    target,
    order: all.filter((index) => needed.has(index)),
    unused: all.filter((index) => !needed.has(index)),
  };
}

interface Scope {
  readonly dockerfile: Dockerfile;
  /** All stages by name; of several with one name, the last. */
  readonly names: ReadonlyMap<string, number>;
  /** Those before the stage that is looked at. */
  readonly before: ReadonlyMap<string, number>;
  readonly variables: Variables;
}

function planStage(scope: Scope, stage: Stage): PlannedStage {
  const { dockerfile, variables } = scope;
  const { from } = stage;
  const expand = (word: string): string =>
    locateIn(dockerfile, from.statement, word, () => {
      return expandWord(word, variables, { escape: dockerfile.directives.escape }).text;
    });
  const name = expand(from.image);
  if (name === '') {
    const error = new Error(`base name (${from.image}) should not be blank`);
    throw errorAt(dockerfile, from.statement, error, from.image);
  }
  const base = baseOf(scope.before, name);
  const sources = new Map<string, FileSource>();
  for (const { text, statement } of references(dockerfile, stage, base)) {
    sources.set(text, sourceOf(scope, statement, text));
  }
  const platform = from.platform === undefined ? '' : expand(from.platform);
  const needs = new Set([base, ...sources.values()].flatMap((source) => (source.kind === 'stage' ? source.index : [])));
  return { stage, base, ...(platform === '' ? {} : { platform }), sources, needs: [...needs] };
}

function baseOf(before: ReadonlyMap<string, number>, name: string): FileSource {
  const index = before.get(name.toLowerCase());
  if (index !== undefined) return { kind: 'stage', index };
  return name === 'scratch' ? { kind: 'scratch' } : { kind: 'image', name };
}

/** The texts of `--from` in a stage, and in the triggers of the stage of this file that it is made from. */
function references(dockerfile: Dockerfile, stage: Stage, base: FileSource): { text: string; statement: Statement }[] {
  const before = base.kind === 'stage' ? (dockerfile.stages[base.index]?.instructions ?? []) : [];
  const triggers = before.flatMap((instruction) => (instruction.name === 'ONBUILD' ? triggerOf(instruction) : []));
  return [
    ...triggers.flatMap(fromOf).map((text) => ({ text, statement: stage.from.statement })),
    ...stage.instructions.flatMap((instruction) =>
      fromOf(instruction).map((text) => ({ text, statement: instruction.statement })),
    ),
  ];
}

function triggerOf({ expression }: OnbuildInstruction): Instruction[] {
  try {
    return [parseTrigger(expression)];
  } catch {
    return []; // Whoever runs it says what is wrong with it.
  }
}

/** The stages, images and contexts that one instruction names with `from`, as written. */
export function fromOf(instruction: Instruction): string[] {
  if (instruction.name === 'COPY') return instruction.from === undefined ? [] : [instruction.from];
  return instruction.name === 'RUN' ? instruction.mounts.flatMap((mount) => mountFrom(mount) ?? []) : [];
}

function sourceOf({ dockerfile, names }: Scope, statement: Statement, text: string): FileSource {
  const fail = (message: string): Error => errorAt(dockerfile, statement, new Error(message), text);
  if (/\$./.test(text)) throw fail("'from' doesn't support variable expansion, define alias stage instead");
  if (/^\d{1,9}$/.test(text)) {
    if (Number(text) >= dockerfile.stages.length) throw fail(`invalid stage index ${text}`);
    return { kind: 'stage', index: Number(text) };
  }
  const index = names.get(text.toLowerCase());
  if (index !== undefined) return { kind: 'stage', index };
  if (text === 'scratch' || text === 'context') return { kind: text };
  return { kind: 'image', name: text };
}

function findTarget(stages: readonly Stage[], names: ReadonlyMap<string, number>, target: string | undefined): number {
  if (target === undefined || target === '') return stages.length - 1;
  const wanted = target.toLowerCase();
  const named = names.get(wanted);
  if (named !== undefined) return named;
  if (/^\d{1,9}$/.test(target) && Number(target) < stages.length) return Number(target);
  const near = nearestName(wanted, [...names.keys()]);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  throw invalid(`target stage ${JSON.stringify(target)} could not be found${hint}`, { code: 'target-not-found' });
}

/** How messages call a stage. */
export const stageLabel = ({ name, index }: Stage): string => name ?? `stage-${index}`;

/** Follows the stages from each one on, with a stack of its own: a file may have a hundred thousand of them. */
function refuseCycles(dockerfile: Dockerfile, stages: readonly PlannedStage[]): void {
  const state = new Map<number, 'open' | 'done'>();
  for (const start of stages.keys()) {
    const stack: { index: number; next: number }[] = state.has(start) ? [] : [{ index: start, next: 0 }];
    state.set(start, state.get(start) ?? 'open');
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const need = stages[top.index]?.needs[top.next];
      top.next += 1;
      if (need === undefined) {
        state.set(top.index, 'done');
        stack.pop();
      } else if (state.get(need) === 'open') {
        throw circular(dockerfile, stages, stages[start]?.stage, top.index, need);
      } else if (!state.has(need)) {
        state.set(need, 'open');
        stack.push({ index: need, next: 0 });
      }
    }
  }
}

function circular(
  dockerfile: Dockerfile,
  stages: readonly PlannedStage[],
  start: Stage | undefined,
  index: number,
  need: number,
): Error {
  const error = new Error(`circular dependency detected on stage: ${start === undefined ? index : stageLabel(start)}`);
  return errorAtReference(dockerfile, stages, index, need, error);
}

function refuseForwardReferences(
  dockerfile: Dockerfile,
  stages: readonly PlannedStage[],
  needed: ReadonlySet<number>,
): void {
  for (const index of needed) {
    const planned = stages[index];
    const later = planned?.needs.find((need) => need > index);
    if (planned === undefined || later === undefined) continue;
    const text = [...planned.sources].find(([, source]) => source.kind === 'stage' && source.index === later)?.[0];
    const current = stageLabel(planned.stage);
    const sentence = `cannot copy from stage "${text}", it needs to be defined before current stage "${current}"`;
    throw errorAtReference(dockerfile, stages, index, later, new Error(sentence));
  }
}

/** An error at the place where a stage names another one. */
function errorAtReference(
  dockerfile: Dockerfile,
  stages: readonly PlannedStage[],
  index: number,
  need: number,
  error: Error,
): Error {
  const planned = stages[index];
  if (planned === undefined) return error;
  const reference = references(dockerfile, planned.stage, planned.base).find(({ text }) => {
    const source = planned.sources.get(text);
    return source?.kind === 'stage' && source.index === need;
  });
  return errorAt(dockerfile, reference?.statement ?? planned.stage.from.statement, error, reference?.text);
}

function reachable(stages: readonly PlannedStage[], target: number): Set<number> {
  const found = new Set([target]);
  for (const index of found) {
    for (const need of stages[index]?.needs ?? []) found.add(need);
  }
  return found;
}
