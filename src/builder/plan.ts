import { invalid } from '../base/errors.ts';
import { expandWord } from '../formats/dockerfile/expand-word.ts';
import { mountFrom } from '../formats/dockerfile/run-mount.ts';
import type { Dockerfile, Stage } from '../formats/dockerfile/types.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../formats/platform.ts';
import { working } from './instructions/table.ts';

/** What of a Dockerfile is to be built. */
export interface BuildPlan {
  readonly dockerfile: Dockerfile;
  readonly target: Stage;
  /** The stages that the target needs, itself included, in order. */
  readonly needed: readonly Stage[];
  /** ARGs from before the first FROM, and the platforms. */
  readonly globals: ReadonlyMap<string, string | undefined>;
  /** Steps that are told of. */
  readonly total: number;
}

/** Decides what is to be built. @throws invalid for a target that does not exist. */
export function planBuild(
  dockerfile: Dockerfile,
  request: {
    readonly target: string | undefined;
    readonly platform: string | undefined;
    readonly buildArgs: Readonly<Record<string, string | undefined>>;
  },
): BuildPlan {
  const target = findTarget(dockerfile, request.target);
  const globals = globalArgs(dockerfile, request);
  const indexes = new Set<number>();
  const need = (stage: Stage): void => {
    if (indexes.has(stage.index)) return;
    indexes.add(stage.index);
    for (const name of namesUsed(stage, globals)) {
      const other = findStage(dockerfile, name, stage.index);
      if (other) need(other);
    }
  };
  need(target);
  const needed = dockerfile.stages.filter(({ index }) => indexes.has(index));
  const total = needed.reduce((sum, { instructions }) => sum + 1 + instructions.length, 0);
  return { dockerfile, target, needed, globals, total };
}

/** A stage before `before`, by its name or number. */
export function findStage(dockerfile: Dockerfile, name: string, before: number): Stage | undefined {
  const earlier = dockerfile.stages.slice(0, before);
  const named = earlier.findLast((stage) => stage.name !== undefined && stage.name === name.toLowerCase());
  return named ?? (/^\d+$/.test(name) ? earlier[Number(name)] : undefined);
}

function findTarget({ stages }: Dockerfile, name: string | undefined): Stage {
  const last = stages.at(-1);
  const wanted = name === undefined || name === '' ? undefined : name.toLowerCase();
  const found =
    wanted === undefined
      ? last
      : (stages.findLast((stage) => stage.name === wanted) ??
        (/^\d+$/.test(wanted) ? stages[Number(wanted)] : undefined));
  if (!found) throw invalid(`failed to reach build target ${name} in Dockerfile`, { code: 'no-target' });
  return found;
}

/** What a stage may take from: names as written, or expanded where that is possible before it is built. */
export function namesUsed({ from, instructions }: Stage, globals: BuildPlan['globals']): string[] {
  const known = new Map([...globals].filter((entry): entry is [string, string] => entry[1] !== undefined));
  const names = [expandWord(from.image, known).text];
  for (const instruction of instructions) {
    if (instruction.name === 'COPY' && instruction.from !== undefined) names.push(instruction.from);
    if (instruction.name !== 'RUN') continue;
    for (const mount of instruction.mounts) names.push(mountFrom(mount) ?? '');
  }
  return names.filter((name) => name !== '');
}

function globalArgs(
  dockerfile: Dockerfile,
  { platform, buildArgs }: { platform: string | undefined; buildArgs: Readonly<Record<string, string | undefined>> },
): Map<string, string | undefined> {
  const values = platformArgs(platform);
  for (const { args } of dockerfile.globalArgs) {
    for (const { key, value } of args) {
      const known = new Map([...values].filter((entry): entry is [string, string] => entry[1] !== undefined));
      const fallback =
        value === undefined ? values.get(key) : expandWord(value, known, { escape: dockerfile.directives.escape }).text;
      values.set(key, Object.hasOwn(buildArgs, key) ? buildArgs[key] : fallback);
    }
  }
  return values;
}

function platformArgs(wanted: string | undefined): Map<string, string | undefined> {
  const host = hostPlatform();
  const target = wanted === undefined ? host : parsePlatform(wanted, host);
  const values = new Map<string, string | undefined>();
  for (const [prefix, one] of [
    ['BUILD', host],
    ['TARGET', target],
  ] as const) {
    values.set(`${prefix}PLATFORM`, formatPlatform(one));
    values.set(`${prefix}OS`, one.os);
    values.set(`${prefix}ARCH`, one.architecture);
    values.set(`${prefix}VARIANT`, one.variant ?? '');
  }
  return values;
}

/** The numbers that a step is shown with in its stage: FROM and what makes files count. */
export function labelOf(stage: Stage, single: boolean, position: number): string {
  const shown = 1 + stage.instructions.filter(({ name }) => working.has(name)).length;
  const name = stage.name ?? (single ? undefined : `stage-${stage.index}`);
  const width = String(shown).length;
  return `[${name === undefined ? '' : `${name} `}${String(position).padStart(width)}/${shown}]`;
}
