import type { Variables } from './expand-word.ts';
import { expandWord } from './expand-word.ts';
import { locateIn } from './locate.ts';
import { describedBy } from './parse-instruction.ts';
import { parseRunMount } from './run-mount.ts';
import type { StageGraph } from './stage-graph.ts';
import { walkStages } from './stage-walk.ts';
import type { ArgInstruction, Dockerfile, LineRange, Stage } from './types.ts';

/** One entry of `--call targets`. */
export interface TargetEntry {
  readonly name?: string;
  readonly default?: true;
  readonly description?: string;
  /** As written. */
  readonly base: string;
  readonly platform?: string;
  readonly lines: LineRange;
}

/** The stages that can be built, in the order of the file; the last is the default. */
export function listTargets({ stages }: Dockerfile): TargetEntry[] {
  return stages.map((stage) => {
    const description = descriptionOf(stage);
    return {
      ...(stage.name === undefined ? {} : { name: stage.name }),
      ...(stage.index === stages.length - 1 ? { default: true } : {}),
      ...(description === undefined ? {} : { description }),
      base: stage.from.image,
      ...(stage.from.platform === undefined ? {} : { platform: stage.from.platform }),
      lines: stage.from.statement.lines,
    };
  });
}

/** The table of `--call targets`. */
export function formatTargets(targets: readonly TargetEntry[]): string {
  const rows = targets.map(({ name, default: isDefault, description }) => {
    const label = name === undefined ? (isDefault ? '(default)' : '') : isDefault ? `${name} (default)` : name;
    return [label, description ?? ''];
  });
  return table([['TARGET', 'DESCRIPTION'], ...rows], 1);
}

export interface OutlineArg {
  readonly name: string;
  readonly description?: string;
  readonly value: string;
  readonly lines: LineRange;
}

export interface OutlineMount {
  readonly name: string;
  readonly required: boolean;
  readonly lines: LineRange;
}

/** What a build of a target can be given. */
export interface Outline {
  readonly name?: string;
  readonly description?: string;
  /** By line. */
  readonly args: readonly OutlineArg[];
  readonly secrets: readonly OutlineMount[];
  readonly ssh: readonly OutlineMount[];
  /** The ids of cache mounts. */
  readonly caches: readonly { readonly id: string; readonly lines: LineRange }[];
}

export interface OutlineOptions {
  /** `--build-arg`. */
  readonly buildArgs?: Variables;
  /** As `globalVariables` gives them. */
  readonly globals: Variables;
}

/**
 * Finds what a build of the graph's target can be given: the ARGs it uses with their values, secrets, ssh agents and
 * caches.
 * @throws invalid, with the place, for what cannot be expanded, or a mount that cannot be read.
 */
export function outlineTarget(dockerfile: Dockerfile, graph: StageGraph, options: OutlineOptions): Outline {
  const { globals, buildArgs = new Map<string, string>() } = options;
  const args = new Map<string, OutlineArg>();
  const mounts = { secret: new Map<string, OutlineMount>(), ssh: new Map<string, OutlineMount>() };
  const caches = new Map<string, { id: string; lines: LineRange }>();
  const inherited = new Set<string>();
  walkStages(dockerfile, graph, graph.order, { buildArgs, globals, image: () => undefined }, (step) => {
    const { instruction, values, env } = step;
    if (instruction.name === 'ARG') {
      for (const key of addStageArgs(instruction, values, options, args)) inherited.add(key);
    }
    if (instruction.name !== 'RUN') return;
    const { lines } = instruction.statement;
    for (const text of instruction.mounts) {
      const {
        type,
        id = '',
        required,
      } = locateIn(dockerfile, instruction.statement, text, () =>
        parseRunMount(text, (word) => expandWord(word, env).text),
      );
      if (type === 'cache') caches.set(id, { id, lines });
      if (type !== 'secret' && type !== 'ssh') continue;
      const before = mounts[type].get(id);
      mounts[type].set(
        id,
        before ? { ...before, required: before.required || required } : { name: id, required, lines },
      );
    }
  });
  addGlobalArgs(dockerfile, graph, { globals, used: inherited }, args);
  const target = graph.stages[graph.target]?.stage;
  const description = target && descriptionOf(target);
  return {
    ...(target?.name === undefined ? {} : { name: target.name }),
    ...(description === undefined ? {} : { description }),
    args: [...args.values()].toSorted((a, b) => a.lines.first - b.lines.first),
    secrets: [...mounts.secret.values()],
    ssh: [...mounts.ssh.values()],
    caches: [...caches.values()],
  };
}

/** Adds the ARGs of a stage that have values of their own. Returns the names of those that are global ones. */
function addStageArgs(
  { args, statement }: ArgInstruction,
  values: Variables,
  { globals, buildArgs }: OutlineOptions,
  found: Map<string, OutlineArg>,
): string[] {
  const inherited: string[] = [];
  for (const { key, value, comment } of args) {
    if (value === undefined && !buildArgs?.has(key) && globals.has(key)) inherited.push(key);
    else found.set(key, outlineArg(key, values.get(key), comment, statement.lines));
  }
  return inherited;
}

/** Adds the ARGs before the first FROM that are used: by stages, by their FROM, by ARGs that are used themselves. */
function addGlobalArgs(
  dockerfile: Dockerfile,
  graph: StageGraph,
  { globals, used }: { globals: Variables; used: Set<string> },
  found: Map<string, OutlineArg>,
): void {
  const note = (word: string | undefined): void => {
    for (const name of expandWord(word ?? '', globals).used) used.add(name);
  };
  for (const index of graph.order) {
    note(dockerfile.stages[index]?.from.image);
    note(dockerfile.stages[index]?.from.platform);
  }
  for (const { args, statement } of dockerfile.globalArgs.toReversed()) {
    for (const { key, value, comment } of args.toReversed()) {
      if (!used.has(key)) continue;
      note(value);
      if (!found.has(key)) found.set(key, outlineArg(key, globals.get(key), comment, statement.lines));
    }
  }
}

function outlineArg(
  name: string,
  value: string | undefined,
  comment: string | undefined,
  lines: LineRange,
): OutlineArg {
  return { name, ...(comment === undefined ? {} : { description: comment }), value: value ?? '', lines };
}

const descriptionOf = ({ name, from }: Stage): string | undefined =>
  name === undefined ? undefined : describedBy(from.statement.comments, name);

/** The tables of `--call outline`. */
export function formatOutline({ name, description, args, secrets, ssh }: Outline): string {
  const parts: string[] = [];
  if (name !== undefined || description !== undefined) {
    const rows = [
      ['TARGET:', name ?? '(default)'],
      ...(description === undefined ? [] : [['DESCRIPTION:', description]]),
    ];
    parts.push(table(rows, 1));
  }
  if (args.length > 0) {
    const rows = args.map((arg) => [arg.name, arg.value, arg.description ?? '']);
    parts.push(table([['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows], 3));
  }
  const mounts = (title: string, entries: readonly OutlineMount[]): void => {
    if (entries.length === 0) return;
    parts.push(table([[title, 'REQUIRED'], ...entries.map((entry) => [entry.name, entry.required ? 'true' : ''])], 3));
  };
  mounts('SECRET', secrets);
  mounts('SSH', ssh);
  return parts.map((part) => `${part}\n`).join('');
}

/** Rows in columns, each as wide as its widest cell and some blanks; the last column is as it is. */
function table(rows: readonly (readonly string[])[], blanks: number): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    rows.reduce((width, row) => Math.max(width, Array.from(row[column] ?? '').length), 0),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(column < widths.length ? (widths[column] ?? 0) + blanks : 0)).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}
