import { invalid, TugError } from '../base/errors.ts';
import { SyntaxFault } from '../formats/dockerfile/source.ts';
import type { FileSource } from '../formats/dockerfile/stage-graph.ts';
import { parseTrigger } from '../formats/dockerfile/trigger.ts';
import type { Dockerfile, LineRange, Stage, Statement } from '../formats/dockerfile/types.ts';
import { hostPlatform, parsePlatform } from '../formats/platform.ts';
import type { Image } from '../images/contract.ts';
import type { Build } from './build-context.ts';
import { keyOf } from './cache/keys.ts';
import type { BuildStep } from './contract.ts';
import { carryOut, type StageInstruction, working } from './instructions/table.ts';
import { type BuildPlan, labelOf, sourceOf } from './plan.ts';
import type { StageState } from './state.ts';

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Builds a stage from its FROM to its last instruction. */
export async function buildStage(build: Build, plan: BuildPlan, stage: Stage): Promise<StageState> {
  const before = plan.needed.slice(0, plan.needed.indexOf(stage));
  const first = 1 + before.reduce((sum, { instructions }) => sum + 1 + instructions.length, 0);
  const teller = createTeller(build, plan, stage, first);
  let state = await teller.tell(stage.from.statement, { vertex: '' }, () =>
    begin(build, plan, stage, teller.current()),
  );
  for (const trigger of state.onBuild) {
    const parsed = parseTrigger(trigger);
    if (parsed.name === 'FROM') continue; // none is let through
    state = await step(build, plan, stage, teller, { ...state, onBuild: [] }, parsed);
  }
  for (const instruction of stage.instructions) state = await step(build, plan, stage, teller, state, instruction);
  return state;
}

async function step(
  build: Build,
  plan: BuildPlan,
  stage: Stage,
  teller: Teller,
  state: StageState,
  instruction: StageInstruction,
): Promise<StageState> {
  build.signal.throwIfAborted();
  const filter = build.request.noCacheFilter;
  return await teller.tell(instruction.statement, state, () =>
    carryOut(state, instruction, {
      build,
      dockerfile: plan.dockerfile,
      step: teller.current(),
      noCache: build.request.noCache || (stage.name !== undefined && filter.includes(stage.name)),
      keepTar: stage === plan.target,
      globals: plan.globals,
      sourceOf: (text) => sourceOf(plan, stage.index, text),
      cached: teller.cached,
      done: teller.done,
    }),
  );
}

interface Teller {
  current(): BuildStep;
  cached: () => void;
  done: (why: string | undefined) => void;
  /** Tells of a step's begin and end. The state it makes has the step's digest. */
  tell(statement: Statement, before: Pick<StageState, 'vertex'>, work: () => Promise<StageState>): Promise<StageState>;
}

function createTeller(build: Build, plan: BuildPlan, stage: Stage, first: number): Teller {
  const { listener } = build;
  const own = new Set([stage.from, ...stage.instructions].map((one) => one.statement)); // triggers are of another file
  let number = first - 1;
  let position = 0;
  let wasCached = false;
  let reason: string | undefined;
  let step: BuildStep | undefined;
  const current = (): BuildStep => {
    if (!step) throw invalid('no step is under way');
    return step;
  };
  return {
    current,
    cached: () => {
      wasCached = true;
    },
    done(why) {
      reason = why;
    },
    async tell(statement, { vertex }, work) {
      number += 1;
      const works = working.has(statement.name) || statement.name === 'FROM';
      if (works) position += 1;
      const inputs = vertex === '' ? [] : [vertex];
      const digest = `sha256:${keyOf(stage.index, number, statement.original, inputs, build.holder)}`;
      const label = labelOf(stage, plan.dockerfile.stages.length === 1, position);
      const place = !own.has(statement) ? {} : { place: `${plan.dockerfile.fileName}:${statement.lines.first}` };
      step = { ...{ digest, inputs, number, total: plan.total, label, works }, text: statement.display, ...place };
      wasCached = false;
      reason = undefined;
      listener.started(step);
      try {
        const state = await work();
        listener.done(step, {
          ...{ cached: wasCached, id: state.layers.at(-1) ?? '' },
          ...(reason === undefined ? {} : { why: reason }),
        });
        return works ? { ...state, vertex: digest } : state;
      } catch (error) {
        const located = locate(plan, statement, error);
        if (located !== error || !isLocated(error)) listener.failed(step, located); // else another stage's, told there
        throw located;
      }
    },
  };
}

const isLocated = (error: unknown): boolean => error instanceof TugError && error.details['line'] !== undefined;

const around = 2;

/** The lines of an instruction with those around it, as clients show them. */
function excerpt({ fileName, lines }: Dockerfile, { first, last }: LineRange): string {
  const rule = '-'.repeat(20);
  const shown: string[] = [];
  for (let line = Math.max(1, first - around); line <= Math.min(lines.length, last + around); line += 1) {
    const mark = line >= first && line <= last ? '>>>' : '   ';
    shown.push(`${String(line).padStart(4)} | ${mark} ${lines[line - 1] ?? ''}`.trimEnd());
  }
  return [`${fileName}:${first}`, rule, ...shown.slice(0, 30), rule].join('\n');
}

/** The error of an instruction, with its place in the Dockerfile among the details. */
function locate({ dockerfile }: BuildPlan, { lines }: Statement, error: unknown): unknown {
  const details = { file: dockerfile.fileName, line: lines.first, place: excerpt(dockerfile, lines) };
  if (error instanceof SyntaxFault)
    return invalid(`dockerfile parse error on line ${lines.first}: ${error.message}`, {
      ...{ code: 'dockerfile-syntax', cause: error, details },
    });
  if (!(error instanceof TugError) || isLocated(error)) return error;
  const { kind, message, code } = error;
  return new TugError(kind, message, { code, cause: error, details: { ...error.details, ...details } });
}

async function begin(build: Build, plan: BuildPlan, stage: Stage, step: BuildStep): Promise<StageState> {
  const planned = plan.graph.stages[stage.index];
  if (!planned) throw invalid(`no plan for stage ${stage.index}`);
  // begun here already, and told of where they are needed
  for (const index of planned.needs) void build.stage(index).catch(() => {});
  const named = build.named.get(stage.from.image.toLowerCase());
  if (named?.kind === 'files')
    throw invalid(`the context ${stage.from.image} has files and no image: FROM cannot stand on it`, {
      code: 'no-image',
    });
  const base: FileSource = named ? { kind: 'image', name: named.name } : planned.base;
  const platform = planned.platform ?? build.request.platform;
  const escapeWith = plan.dockerfile.directives.escape;
  if (base.kind === 'stage') {
    const state = await build.stage(base.index);
    build.listener.waited(step);
    return { ...state, base: state.layers.length, args: new Map(), hasOwnCommand: false, onBuild: [] };
  }
  if (base.kind === 'image') return fromImage(await build.image(base.name, platform, step), escapeWith);
  return fromScratch(platform, escapeWith);
}

function fromScratch(platform: string | undefined, escapeWith: StageState['escape']): StageState {
  return {
    ...{
      layers: [],
      base: 0,
      config: { Env: [defaultPath], WorkingDir: '/' },
      history: [],
      author: undefined,
      osVersion: undefined,
    },
    platform: platform === undefined ? hostPlatform() : parsePlatform(platform),
    ...{ args: new Map(), onBuild: [], hasOwnCommand: false, escape: escapeWith, vertex: '' },
  };
}

function fromImage({ config, layers }: Image, escapeWith: StageState['escape']): StageState {
  const { os, architecture, variant, history = [], author } = config;
  const { OnBuild, ...run } = config.config ?? {};
  const env = run.Env ?? [];
  return {
    layers,
    base: layers.length,
    config: env.some((entry) => entry.startsWith('PATH=')) ? run : { ...run, Env: [defaultPath, ...env] },
    platform: { os, architecture, ...(variant ? { variant } : {}) },
    osVersion: config['os.version'],
    history,
    author,
    ...{ args: new Map(), onBuild: OnBuild ?? [], hasOwnCommand: false, escape: escapeWith, vertex: '' },
  };
}
