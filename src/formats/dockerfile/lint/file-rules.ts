import type { Dockerfile, FromInstruction, Instruction, Statement } from '../types.ts';
import type { Report } from './lint.ts';
import { isLintRule } from './rules.ts';

/** Checks what needs no variables: the case of letters, names, comments and old forms. */
export function checkFile(dockerfile: Dockerfile, report: Report): void {
  const { stages, globalArgs } = dockerfile;
  const instructions = stages.flatMap((stage) => [stage.from, ...stage.instructions]);
  const statements = [...globalArgs, ...instructions].map(({ statement }) => statement);
  reportParserWarnings(dockerfile, statements, report);
  checkCasing(instructions, report);
  checkStageNames(dockerfile, report);
  for (const instruction of [...globalArgs, ...instructions]) {
    checkDescription(instruction, report);
    if (instruction.name === 'MAINTAINER') {
      const message = 'Maintainer instruction is deprecated in favor of using label';
      report('MaintainerDeprecated', message, instruction.statement);
    }
  }
}

function reportParserWarnings({ warnings }: Dockerfile, statements: readonly Statement[], report: Report): void {
  let at = 0;
  for (const { rule, message, lines } of warnings) {
    while (at + 1 < statements.length && (statements[at]?.lines.last ?? 0) < lines.first) at += 1;
    const statement = statements[at];
    if (statement !== undefined && isLintRule(rule)) report(rule, message, statement, lines);
  }
}

const isLower = (text: string): boolean => text === text.toLowerCase();
const isUpper = (text: string): boolean => text === text.toUpperCase();

function checkCasing(instructions: readonly Instruction[], report: Report): void {
  const keywords = instructions.map(({ statement }) => statement.keyword);
  const lower = keywords.filter(isLower).length;
  const majority = lower > keywords.filter(isUpper).length ? 'lowercase' : 'uppercase';
  const agrees = majority === 'lowercase' ? isLower : isUpper;
  for (const { statement } of instructions) {
    if (agrees(statement.keyword)) continue;
    const message = `Command '${statement.keyword}' should match the case of the command majority (${majority})`;
    report('ConsistentInstructionCasing', message, statement);
  }
}

const reserved: ReadonlySet<string> = new Set(['context', 'scratch']);

function checkStageNames({ stages }: Dockerfile, report: Report): void {
  const names = new Set<string>();
  for (const { name, from } of stages) {
    checkFromCasing(from, report);
    if (name === undefined) continue;
    if (reserved.has(name)) {
      const message = `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`;
      report('ReservedStageName', message, from.statement);
    }
    if (names.has(name)) {
      const message = `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`;
      report('DuplicateStageName', message, from.statement);
    }
    names.add(name);
  }
}

function checkFromCasing({ statement }: FromInstruction, report: Report): void {
  const [, as, name] = statement.text.split(/\s+/);
  if (as === undefined || name === undefined) return;
  if (!isLower(name)) report('StageNameCasing', `Stage name '${name}' should be lowercase`, statement);
  const { keyword } = statement;
  const consistent = (isLower(keyword) && isLower(as)) || (isUpper(keyword) && isUpper(as));
  // A keyword in both cases is another rule's.
  if (consistent || !(isLower(keyword) || isUpper(keyword))) return;
  report('FromAsCasing', `'${as}' and '${keyword}' keywords' casing do not match`, statement);
}

function checkDescription(instruction: Instruction, report: Report): void {
  const keys = definedNames(instruction);
  const comment = instruction.statement.comments.at(-1);
  const [first] = keys;
  if (comment === undefined || first === undefined || keys.includes(comment.split(' ')[0] ?? '')) return;
  const example = keys.length > 1 ? '<arg_key>' : first;
  const message = `Comment for ${instruction.name} should follow the format: \`# ${example} <description>\``;
  report('InvalidDefinitionDescription', message, instruction.statement);
}

function definedNames(instruction: Instruction): string[] {
  if (instruction.name === 'ARG') return instruction.args.map(({ key }) => key);
  return instruction.name === 'FROM' && instruction.stageName !== undefined ? [instruction.stageName] : [];
}
