import { invalid, messageOf } from '../../base/errors.ts';
import { parseInstruction } from './parse-instruction.ts';
import { readSource } from './source.ts';
import { readStatements } from './statements.ts';
import type { Instruction } from './types.ts';

const forbidden: ReadonlySet<string> = new Set(['ONBUILD', 'MAINTAINER', 'FROM']);

/**
 * Parses an ONBUILD trigger as an image's configuration keeps it.
 * @throws invalid when it is not one instruction, or one that no trigger may be.
 */
export function parseTrigger(expression: string): Instruction {
  try {
    const source = readSource(expression, 'ONBUILD');
    const [statement, ...more] = readStatements(source, { escape: '\\', skip: 0 }).statements;
    if (statement === undefined || more.length > 0) throw new Error('onbuild trigger should be a single expression');
    if (forbidden.has(statement.name)) throw new Error(`${statement.name} isn't allowed as an ONBUILD trigger`);
    return parseInstruction(statement, '\\');
  } catch (error) {
    throw invalid(`the base image's ONBUILD ${JSON.stringify(expression.slice(0, 200))}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
