import { platformArgs } from '../formats/dockerfile/build-args.ts';
import { globalVariables } from '../formats/dockerfile/global-args.ts';
import { lintDockerfile, lintFailure } from '../formats/dockerfile/lint/lint.ts';
import { type FileSource, planStages, type StageGraph } from '../formats/dockerfile/stage-graph.ts';
import type { Dockerfile, Stage } from '../formats/dockerfile/types.ts';
import { hostPlatform, parsePlatform } from '../formats/platform.ts';
import { working } from './instructions/table.ts';

/** What of a Dockerfile is to be built. */
export interface BuildPlan {
  readonly dockerfile: Dockerfile;
  readonly graph: StageGraph;
  readonly target: Stage;
  /** The stages that the target needs, itself included, in order. */
  readonly needed: readonly Stage[];
  /** ARGs from before the first FROM, and the platforms. */
  readonly globals: ReadonlyMap<string, string>;
  /** Steps that are told of. */
  readonly total: number;
  /** What Docker's rules say about it, a line each. */
  readonly checks: readonly string[];
}

/** Decides what is to be built. @throws invalid for a target that does not exist, for stages that go round, and where checks are to end it. */
export function planBuild(
  dockerfile: Dockerfile,
  request: {
    readonly target: string | undefined;
    readonly platform: string | undefined;
    readonly buildArgs: Readonly<Record<string, string | undefined>>;
  },
): BuildPlan {
  const { target, platform, buildArgs } = request;
  const build = hostPlatform();
  const platforms = { build, target: platform === undefined ? build : parsePlatform(platform, build) };
  const given = new Map(Object.entries(buildArgs).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const variables = globalVariables(dockerfile, { platforms, buildArgs: given });
  const graph = planStages(dockerfile, { ...(target === undefined ? {} : { target }), variables });
  const stages = new Map(dockerfile.stages.map((stage) => [stage.index, stage]));
  const needed = graph.order.flatMap((index) => stages.get(index) ?? []);
  const last = stages.get(graph.target) ?? needed.at(-1);
  if (!last) throw new Error('a Dockerfile without stages');
  const total = needed.reduce((sum, { instructions }) => sum + 1 + instructions.length, 0);
  const globals = new Map([...platformArgs(platforms), ...variables]);
  const lint = lintDockerfile(dockerfile, { platforms, buildArgs: given, ...(target === undefined ? {} : { target }) });
  const failure = lintFailure(lint);
  if (failure) throw failure;
  const checks = lint.warnings.map(({ rule, message, lines }) => `${rule}: ${message} (line ${lines.first})`);
  return { dockerfile, graph, target: last, needed, globals, total, checks };
}

/** What a `--from` in a stage means. One of a trigger of the base image, which nobody looked at before, is looked for here. */
export function sourceOf({ graph, dockerfile }: BuildPlan, stage: number, text: string): FileSource {
  const known = graph.stages[stage]?.sources.get(text);
  if (known) return known;
  const earlier = dockerfile.stages.slice(0, stage);
  const named = earlier.findLast(({ name }) => name !== undefined && name === text.toLowerCase());
  const found = named ?? (/^\d+$/.test(text) ? earlier[Number(text)] : undefined);
  return found ? { kind: 'stage', index: found.index } : { kind: 'image', name: text };
}

/** The numbers that a step is shown with in its stage: FROM and what makes files count. */
export function labelOf(stage: Stage, single: boolean, position: number): string {
  const shown = 1 + stage.instructions.filter(({ name }) => working.has(name)).length;
  const name = stage.name ?? (single ? undefined : `stage-${stage.index}`);
  const width = String(shown).length;
  return `[${name === undefined ? '' : `${name} `}${String(position).padStart(width)}/${shown}]`;
}
