import { splitFlags } from './flags.ts';
import { findHeredocMarkers, type HeredocMarker, heredocContent } from './heredoc.ts';
import { parseJsonArray } from './json-array.ts';
import { locateError, type Source, SyntaxFault } from './source.ts';
import { withSuggestion } from './suggestion.ts';
import { type Heredoc, type InstructionName, instructionNames, type Statement, type Warning } from './types.ts';

export interface StatementOptions {
  readonly escape: '\\' | '`';
  /** How many of the first lines are directives. */
  readonly skip: number;
}

const names: ReadonlySet<string> = new Set(instructionNames);
const withHeredocs: ReadonlySet<string> = new Set(['ADD', 'COPY', 'RUN']);
const blankLine = /^\s*$/;
const commentLine = /^\s*#/;

/**
 * Splits a Dockerfile into its instructions: joins continued lines, leaves out comments and empty lines, also inside
 * of continued ones, and reads heredocs.
 * @throws invalid for an unknown instruction, a heredoc without an end, and text that is not UTF-8.
 */
export function readStatements(
  source: Source,
  options: StatementOptions,
): { statements: Statement[]; warnings: Warning[] } {
  const statements: Statement[] = [];
  const warnings: Warning[] = [];
  let comments: string[] = [];
  let at = options.skip;
  while (at < source.lines.length) {
    const line = source.lines[at] ?? '';
    if (commentLine.test(line)) {
      const comment = line.replace(/^\s*#/, '').trim();
      if (comment === '') comments = [];
      else comments.push(comment);
      if (comments.length > MOST_COMMENTS) comments.shift();
      at += 1;
    } else if (blankLine.test(line)) {
      comments = [];
      at += 1;
    } else {
      const joined = joinLines(source.lines, at, options.escape);
      const statement = readStatement(source, joined, comments);
      if (joined.emptyLine) warnings.push(emptyContinuation(joined.end));
      statements.push(statement);
      comments = [];
      at = statement.lines.last;
    }
  }
  return { statements, warnings };
}

/** More comments above one instruction than these are no description of anything. */
const MOST_COMMENTS = 50;

export interface Joined {
  readonly text: string;
  /** What of `text` is from which line, counted from 1; the first with the blanks before it. */
  readonly pieces: readonly { readonly line: number; readonly text: string }[];
  /** Index of the first line. */
  readonly start: number;
  /** Index after the last line. */
  readonly end: number;
  readonly emptyLine: boolean;
}

/** Joins a line (by its index) with those that continue it, without comments and empty lines between them. */
export function joinLines(lines: readonly string[], start: number, escapeToken: string): Joined {
  const pieces: { line: number; text: string }[] = [];
  let emptyLine = false;
  let at = start;
  let continued = true;
  while (continued && at < lines.length) {
    const line = withoutReturn(lines[at] ?? '');
    at += 1;
    if (at - 1 > start && commentLine.test(line)) continue;
    if (blankLine.test(line)) {
      emptyLine = true;
      continue;
    }
    const cut = continuation(line, escapeToken);
    continued = cut !== undefined;
    pieces.push({ line: at, text: cut ?? line });
  }
  const text = pieces
    .map((piece) => piece.text)
    .join('')
    .trimStart();
  return { text, pieces, start, end: at, emptyLine };
}

/** The line without its escape character at the end, if it is continued: an escaped escape character does not. */
function continuation(line: string, escapeToken: string): string | undefined {
  let end = line.length;
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end -= 1;
  if (line[end - 1] !== escapeToken || line[end - 2] === escapeToken) return undefined;
  return line.slice(0, end - 1);
}

function withoutReturn(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end -= 1;
  return line.slice(0, end);
}

function readStatement(source: Source, joined: Joined, comments: readonly string[]): Statement {
  const first = joined.start + 1;
  let last = joined.end;
  try {
    const { keyword, rest } = splitKeyword(joined.text);
    const name = instructionName(keyword);
    const { flags, rest: text } = splitFlags(rest);
    const heredocs: Heredoc[] = [];
    for (const marker of markersOf(name, joined.text, text)) {
      const { heredoc, end } = readHeredoc(source.lines, last, marker);
      heredocs.push(heredoc);
      last = end;
    }
    checkEncoding(source, first, last);
    const json = jsonOf(name, text);
    const original = source.lines
      .slice(first - 1, last)
      .map(withoutReturn)
      .join('\n');
    const lines = { first, last };
    return {
      name,
      keyword,
      flags,
      text,
      ...(json === undefined ? {} : { json }),
      heredocs,
      lines,
      original,
      display: joined.text.trim(),
      comments,
    };
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    const place = { lines: { first, last }, ...(error.near === undefined ? {} : { near: error.near }) };
    throw locateError(source, place, error);
  }
}

function splitKeyword(text: string): { keyword: string; rest: string } {
  const [, keyword = '', rest = ''] = /^(\S+)(?:\s+([\s\S]*))?$/.exec(text.trim()) ?? [];
  return { keyword, rest };
}

function instructionName(keyword: string): InstructionName {
  const name = keyword.toUpperCase();
  if (isInstruction(name)) return name;
  const lower = keyword === keyword.toLowerCase();
  const known = lower ? instructionNames.map((known) => known.toLowerCase()) : instructionNames;
  const message = withSuggestion(`unknown instruction: ${keyword}`, lower ? keyword : name, known);
  throw new SyntaxFault(message, keyword.slice(0, 64));
}

const isInstruction = (name: string): name is InstructionName => names.has(name);

/** The instruction that takes heredocs and JSON: what ONBUILD triggers, or the instruction itself. */
function effective(name: InstructionName, text: string): { name: string; text: string } {
  if (name !== 'ONBUILD') return { name, text };
  const { keyword, rest } = splitKeyword(text);
  return { name: keyword.toUpperCase(), text: splitFlags(rest).rest };
}

function markersOf(name: InstructionName, line: string, text: string): HeredocMarker[] {
  if (!line.includes('<<')) return [];
  const inner = effective(name, text);
  if (!withHeredocs.has(inner.name) || parseJsonArray(inner.text) !== undefined) return [];
  return findHeredocMarkers(line);
}

const withJson: ReadonlySet<string> = new Set(['ADD', 'CMD', 'COPY', 'ENTRYPOINT', 'RUN', 'SHELL', 'VOLUME']);

function jsonOf(name: InstructionName, text: string): readonly string[] | undefined {
  if (name === 'HEALTHCHECK') return parseJsonArray(splitKeyword(text).rest);
  return withJson.has(name) ? parseJsonArray(text) : undefined;
}

function readHeredoc(
  lines: readonly string[],
  start: number,
  marker: HeredocMarker,
): { heredoc: Heredoc; end: number } {
  for (let at = start; at < lines.length; at += 1) {
    const line = withoutReturn(lines[at] ?? '');
    if ((marker.chomp ? line.replace(/^\t+/, '') : line) === marker.name) {
      return { heredoc: { ...marker, content: heredocContent(marker, lines.slice(start, at)) }, end: at + 1 };
    }
  }
  throw new SyntaxFault(`unterminated heredoc: no line is ${marker.name} alone`, '<<');
}

function checkEncoding(source: Source, first: number, last: number): void {
  if (source.damaged.size === 0) return;
  for (let line = first; line <= last; line += 1) {
    if (source.damaged.has(line) && !commentLine.test(source.lines[line - 1] ?? '')) {
      throw new SyntaxFault('the instruction is not valid UTF-8', '\ufffd');
    }
  }
}

function emptyContinuation(line: number): Warning {
  return { rule: 'NoEmptyContinuation', message: 'Empty continuation line', lines: { first: line, last: line } };
}
