import type { Dialect } from './reader.ts';
import { type CommandList, readScript } from './script.ts';

/** One of the commands that a script runs one after another until one fails. */
export interface ChainPart {
  /** Where it begins and ends in the script. */
  readonly start: number;
  readonly end: number;
}

/** A script of which it can be told how far it came. */
export interface Chain {
  readonly parts: readonly ChainPart[];
  /** The script, which before each part also creates the file `FOLDER/NUMBER` (from 1), if it can. */
  watched(folder: string): string;
}

export interface ShellTraits {
  readonly dialect: Dialect;
  /** It was started with `-e`. */
  readonly errexit: boolean;
}

interface Mark extends ChainPart {
  /** What stands between the mark and the part. */
  readonly joint: '; ' | ' && ';
}

const mostParts = 500;
const longest = 64 * 1024;

/**
 * Finds the commands of a script that are joined by `&&`, or by `;` under `set -e`: the last one that was begun is the
 * one that failed. Undefined for a script that has no such commands, or that is not wholly understood.
 */
export function chainOf(script: string, { dialect, errexit }: ShellTraits): Chain | undefined {
  if (script.length > longest || seesItself.test(script)) return undefined;
  const lists = readScript(script, dialect);
  if (!lists || lists.some(({ background }) => background)) return undefined;
  const free = !(asksStatus.test(script) || loadsOthers.test(script));
  const stops = errexit || lists.some((list) => setsErrexit(script, list));
  const all = free && stops ? lists : lists.slice(-1);
  const marks = all.flatMap((list) => marksOf(list, free || list === lists[0]));
  if (marks.length < 2 || marks.length > mostParts) return undefined;
  return {
    parts: marks.map(({ start, end }) => ({ start, end })),
    watched: (folder) => insert(script, marks, (number) => marker(`${folder}/${number}`)),
  };
}

/** A script that looks at its own text. */
const seesItself = /\bBASH_|\/proc\/(self|\$\$|1)\/cmdline/;
/** A mark sets `$?` to 0, which is what it is after `&&` anyway, but not after `;`. */
const asksStatus = /\$\{?\?|\b(exit|return)\b[ \t]*($|[\n;&|)}])/;
const loadsOthers = /(^|[\n;&|(){}!]|\b(then|do|else|command|builtin))[ \t]*(\.|source|eval)\s/;

/** Whether it is `set -e`, or begins with it. */
function setsErrexit(script: string, { elements: [first] }: CommandList): boolean {
  if (!first) return false;
  const text = script.slice(first.start, first.end);
  return /^set(\s+[-+]?\w+)+$/.test(text) && /\s(-[A-Za-df-z]*e|-o\s+errexit\b)/.test(text);
}

/**
 * The parts of one list, with the places of their marks. `a || b && c` is two parts, `a || b` and `c`: a mark behind `||`
 * would be a command of its own.
 */
function marksOf({ elements }: CommandList, first: boolean): Mark[] {
  const last = elements.findLastIndex(({ operator }) => operator === '||');
  const [begin, ...rest] = last < 0 ? elements : elements.slice(last);
  if (!begin) return [];
  const start = elements[0]?.start ?? begin.start;
  // bash runs the last command of the text without a process of its own, by the kind of the command it stands in
  const joint = elements.length > 1 ? ' && ' : '; ';
  const head: Mark[] = first ? [{ start, end: begin.end, joint }] : [];
  return [...head, ...rest.map(({ start, end }): Mark => ({ start, end, joint: ' && ' }))];
}

function insert(script: string, marks: readonly Mark[], mark: (number: number) => string): string {
  let text = '';
  let at = 0;
  for (const [index, { start, joint }] of marks.entries()) {
    text += `${script.slice(at, start)}${mark(index + 1)}${joint}`;
    at = start;
  }
  return text + script.slice(at);
}

/**
 * Creates a file, and always succeeds. A loop over nothing is the one command that leaves `$_`, PIPESTATUS and all
 * variables alone, starts no process and is not shown by `set -x`.
 */
const marker = (file: string): string => `if for _ in; do :; done 2>/dev/null >>${file}; then for _ in; do :; done; fi`;
