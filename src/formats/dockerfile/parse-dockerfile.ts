import { readDirectives } from './directives.ts';
import { argumentsOf } from './locate.ts';
import { parseInstruction } from './parse-instruction.ts';
import { locateError, readSource, type Source, SyntaxFault } from './source.ts';
import { readStatements } from './statements.ts';
import type { ArgInstruction, Dockerfile, FromInstruction, Instruction, Stage, Statement } from './types.ts';

export interface ParseOptions {
  /** As messages name it; `Dockerfile` unless told. */
  readonly fileName?: string;
}

/**
 * Parses a Dockerfile.
 * @throws invalid, code `dockerfile-syntax`: the first line is Docker's sentence with the line's number, then follow
 * file, line and column, and the line with a caret; `details` has the place.
 */
export function parseDockerfile(
  input: string | Uint8Array,
  { fileName = 'Dockerfile' }: ParseOptions = {},
): Dockerfile {
  const source = readSource(input, fileName);
  const { directives, lines } = readDirectives(source);
  const { statements, warnings } = readStatements(source, { escape: directives.escape, skip: lines });
  if (statements.length === 0) throw locateError(source, wholeFile(source), new Error('file with no instructions'));
  const instructions = statements.map((statement) => understand(source, statement, directives.escape));
  const first = instructions.findIndex(({ name }) => name === 'FROM');
  const globals = first < 0 ? instructions : instructions.slice(0, first);
  const globalArgs = globals.map((instruction) => globalArg(source, instruction));
  if (first < 0) throw locateError(source, wholeFile(source), new Error('dockerfile contains no stages to build'));
  return {
    fileName,
    directives,
    globalArgs,
    stages: groupStages(instructions.slice(first)),
    warnings,
    lines: source.lines,
  };
}

const wholeFile = (source: Source) => ({
  lines: { first: Math.max(1, source.lines.length), last: source.lines.length },
});

function understand(source: Source, statement: Statement, escapeToken: string): Instruction {
  try {
    return parseInstruction(statement, escapeToken);
  } catch (error) {
    if (error instanceof SyntaxFault) throw locateInStatement(source, statement, error);
    throw error;
  }
}

function locateInStatement(source: Source, statement: Statement, error: SyntaxFault): Error {
  const near = error.near === undefined ? {} : { near: error.near };
  return locateError(source, { lines: statement.lines, from: argumentsOf(source.lines, statement), ...near }, error);
}

function globalArg(source: Source, instruction: Instruction): ArgInstruction {
  if (instruction.name === 'ARG') return instruction;
  const { lines } = instruction.statement;
  throw locateError(source, { lines }, new Error('no build stage in current context'));
}

function groupStages(instructions: readonly Instruction[]): Stage[] {
  const stages: (Omit<Stage, 'instructions' | 'lines'> & {
    instructions: Stage['instructions'][number][];
    last: number;
  })[] = [];
  for (const instruction of instructions) {
    const { last } = instruction.statement.lines;
    if (instruction.name === 'FROM') {
      stages.push({ index: stages.length, ...nameOf(instruction), from: instruction, instructions: [], last });
      continue;
    }
    const stage = stages.at(-1);
    stage?.instructions.push(instruction);
    if (stage !== undefined) stage.last = last;
  }
  return stages.map(({ last, ...stage }) => ({ ...stage, lines: { first: stage.from.statement.lines.first, last } }));
}

const nameOf = ({ stageName }: FromInstruction): { name?: string } =>
  stageName === undefined ? {} : { name: stageName };
