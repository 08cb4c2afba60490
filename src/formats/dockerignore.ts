import * as path from 'node:path/posix';
import { invalid } from '../base/errors.ts';
import { compilePathPattern, type PathPattern } from './path-pattern.ts';

/**
 * Reads the patterns of a .dockerignore: one a line, blanks around it and a leading `/` taken off, `.` and `..`
 * resolved. Lines that begin with `#` and empty ones are left out; `!` before a pattern stays.
 */
export function parseDockerignore(text: string): string[] {
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .flatMap(parseLine);
}

function parseLine(line: string): string[] {
  if (line.startsWith('#')) return [];
  const trimmed = line.trim();
  const negated = trimmed.startsWith('!');
  const pattern = negated ? trimmed.slice(1).trim() : trimmed;
  if (trimmed === '') return [];
  const clean = pattern === '' ? '' : cleaned(pattern);
  return [(negated ? '!' : '') + (clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean)];
}

/** As Go's `filepath.Clean`. */
function cleaned(pattern: string): string {
  const normal = path.normalize(pattern);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** Writes patterns one a line, so that `parseDockerignore` gives them again. */
export function formatDockerignore(patterns: readonly string[]): string {
  return patterns.map((pattern) => `${pattern.startsWith('#') ? ` ${pattern}` : pattern}\n`).join('');
}

/** Which patterns a folder matched: what is below it matches them too. */
export interface IgnoreState {
  readonly matched: readonly boolean[];
}

export interface IgnoreResult {
  readonly ignored: boolean;
  /** For what is in it, if it is a folder. */
  readonly state: IgnoreState;
  /** True for a folder of which nothing is wanted, so that it need not be read. */
  readonly prune: boolean;
}

/** The patterns of a .dockerignore, compiled. Paths are relative to its folder, with `/`, and without `./` before. */
export interface Ignore {
  /** Where a walk starts: the state of the root, which is never ignored. */
  readonly root: IgnoreState;
  /**
   * Decides on a file or folder during a walk, by the state of the folder it is in. Of several patterns that match, the
   * last one counts.
   */
  check(path: string, parent: IgnoreState): IgnoreResult;
  /** Decides on one path by itself and all folders above it. */
  ignores(path: string): boolean;
}

interface Rule {
  readonly negated: boolean;
  readonly pattern: PathPattern;
}

/**
 * Compiles the patterns of a .dockerignore, as `parseDockerignore` gives them. Of several that match, the last one
 * counts; a pattern that matches a folder matches all that is in it.
 * @throws invalid in Docker's words, such as `illegal exclusion pattern: "!"`.
 */
export function compileDockerignore(patterns: readonly string[]): Ignore {
  const rules = patterns.flatMap((pattern) => compileRule(pattern));
  return {
    root: { matched: rules.map(() => false) },
    check: (file, parent) => check(rules, file, parent),
    ignores: (file) => ignores(rules, file),
  };
}

function compileRule(text: string): Rule[] {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  const clean = cleaned(trimmed);
  const negated = clean.startsWith('!');
  if (clean === '!') throw invalid('illegal exclusion pattern: "!"');
  return [{ negated, pattern: compilePattern(negated ? clean.slice(1) : clean) }];
}

/** `**name` at the beginning matches whatever ends in `name`, unlike `**` elsewhere, which stops at a `/`. */
function compilePattern(text: string): PathPattern {
  if (!/^\*\*[^/*?[\\][^*?[\\]*$/.test(text)) return compilePathPattern(text, { folders: true });
  const suffix = text.slice(2);
  return { text, matches: (file) => file.endsWith(suffix), mayMatchBelow: () => true };
}

function check(rules: readonly Rule[], file: string, parent: IgnoreState): IgnoreResult {
  let ignored = false;
  let lastPositive = -1;
  const matched = rules.map(({ negated, pattern }, index) => {
    // What cannot change the result is not tried, and counts as no match for what is below.
    const matches = parent.matched[index] || (negated === ignored && pattern.matches(file));
    if (matches) ignored = !negated;
    if (matches && !negated) lastPositive = index;
    return matches;
  });
  const wanted = rules.some(
    ({ negated, pattern }, index) => negated && index > lastPositive && pattern.mayMatchBelow(file),
  );
  return { ignored, state: { matched }, prune: ignored && !wanted };
}

function ignores(rules: readonly Rule[], file: string): boolean {
  const parts = file.split('/');
  const paths = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
  let ignored = false;
  for (const { negated, pattern } of rules) {
    if (negated === ignored && paths.some((candidate) => pattern.matches(candidate))) ignored = !negated;
  }
  return ignored;
}
