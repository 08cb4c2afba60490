import { invalid, type TugError } from '../../base/errors.ts';
import { quoteGo } from '../go-quote.ts';
import { lineOf } from './lexer.ts';

/** `template: NAME:LINE: MESSAGE`, as Go says it. Commands put their own words before it. */
export function parseError(name: string, line: number, message: string): TugError {
  return invalid(`template: ${name}:${line}: ${message}`, { code: 'template-parse' });
}

/** Where the evaluation is: a place in the text, and the expression there. */
export interface Place {
  readonly name: string;
  readonly text: string;
  readonly position: number;
  readonly expression: string;
  /** The template that is executed: of another name than the text's inside a `define`. */
  readonly executing: string;
}

/** `template: NAME:LINE:COLUMN: executing "NAME" at <EXPRESSION>: MESSAGE`; columns count bytes from 0. */
export function executeError({ name, text, position, expression, executing }: Place, message: string): TugError {
  const before = text.slice(text.lastIndexOf('\n', position - 1) + 1, position);
  const place = `${name}:${lineOf(text, position)}:${Buffer.byteLength(position === 0 ? '' : before)}`;
  return invalid(`template: ${place}: executing ${quoteGo(executing)} at <${expression}>: ${message}`, {
    code: 'template-execute',
  });
}
