import { unquoteGo } from '../go-quote.ts';
import type { Token, TokenKind } from './lexer.ts';
import { type Command, describeExpression, type Expression, type Pipeline } from './nodes.ts';
import type { TokenStream } from './token-stream.ts';

/** What an expression may refer to at its place in the template. */
export interface Scope {
  readonly tokens: TokenStream;
  /** Variables in sight, innermost last. */
  variables: string[];
  hasFunction(name: string): boolean;
}

const operandKinds: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'character',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'string',
  'variable',
  'open',
]);
const constants: ReadonlySet<string> = new Set(['bool', 'dot', 'nil', 'number', 'string']);

/** Parses a pipeline up to and with its `end` token. @throws invalid `template-parse`. */
export function parsePipeline(scope: Scope, context: string, end: 'right' | 'close'): Pipeline {
  const { tokens } = scope;
  const { position } = tokens.peekNonSpace();
  const { targets, assigns } = parseTargets(scope, context);
  const commands: Command[] = [];
  for (;;) {
    const mark = tokens.mark();
    const token = tokens.nextNonSpace();
    if (token.kind === end) break;
    if (!operandKinds.has(token.kind)) tokens.unexpected(token, context);
    tokens.reset(mark);
    commands.push(parseCommand(scope));
  }
  if (commands.length === 0) tokens.fail(`missing value for ${context}`);
  commands.forEach(({ args }, index) => {
    if (index > 0 && constants.has(args[0]!.kind)) {
      tokens.fail(`non executable command in pipeline stage ${index + 1}`);
    }
  });
  return { kind: 'pipeline', position, targets, assigns, commands };
}

/** `$x :=`, `$x =` and, for range, `$i, $x :=`. */
function parseTargets({ tokens, variables }: Scope, context: string): { targets: string[]; assigns: boolean } {
  const targets: string[] = [];
  for (;;) {
    const mark = tokens.mark();
    const variable = tokens.nextNonSpace();
    const operator = variable.kind === 'variable' ? tokens.nextNonSpace() : undefined;
    if (operator?.kind === 'assign' || operator?.kind === 'declare') {
      targets.push(variable.text);
      variables.push(variable.text);
      return { targets, assigns: operator.kind === 'assign' };
    }
    if (operator?.text !== ',') {
      tokens.reset(mark);
      return { targets, assigns: false };
    }
    targets.push(variable.text);
    variables.push(variable.text);
    if (context !== 'range' || targets.length === 2) tokens.fail(`too many declarations in ${context}`);
    if (!['variable', 'right', 'close'].includes(tokens.peekNonSpace().kind)) {
      tokens.fail('range can only initialize variables');
    }
  }
}

function parseCommand(scope: Scope): Command {
  const { tokens } = scope;
  const { position } = tokens.peekNonSpace();
  const args: Expression[] = [];
  for (;;) {
    tokens.peekNonSpace();
    const operand = parseOperand(scope);
    if (operand !== undefined) args.push(operand);
    const mark = tokens.mark();
    const token = tokens.next();
    if (token.kind === 'space') continue;
    if (token.kind === 'right' || token.kind === 'close') tokens.reset(mark);
    else if (token.kind !== 'pipe') tokens.unexpected(token, 'operand');
    break;
  }
  if (args.length === 0) tokens.fail('empty command');
  return { position, args };
}

/** A term with the fields behind it. */
function parseOperand(scope: Scope): Expression | undefined {
  const { tokens } = scope;
  const term = parseTerm(scope);
  if (term === undefined || tokens.peek().kind !== 'field') return term;
  const { position } = tokens.peek();
  const names: string[] = [];
  while (tokens.peek().kind === 'field') names.push(tokens.next().text.slice(1));
  if (term.kind === 'field' || term.kind === 'variable') return { ...term, position, names: [...term.names, ...names] };
  if (constants.has(term.kind)) tokens.fail(`unexpected . after term ${JSON.stringify(describeExpression(term))}`);
  return { kind: 'chain', position, base: term, names };
}

function parseTerm(scope: Scope): Expression | undefined {
  const { tokens } = scope;
  const mark = tokens.mark();
  const token = tokens.nextNonSpace();
  const { position, text } = token;
  switch (token.kind) {
    case 'identifier':
      if (!scope.hasFunction(text)) tokens.fail(`function ${JSON.stringify(text)} not defined`);
      return { kind: 'identifier', position, name: text };
    case 'dot':
    case 'nil':
      return { kind: token.kind, position };
    case 'bool':
      return { kind: 'bool', position, value: text === 'true' };
    case 'variable':
      if (!scope.variables.includes(text)) tokens.fail(`undefined variable ${JSON.stringify(text)}`);
      return { kind: 'variable', position, name: text, names: [] };
    case 'field':
      return { kind: 'field', position, names: [text.slice(1)] };
    case 'number':
    case 'character':
      return { kind: 'number', position, text, value: numberValue(token, tokens) };
    case 'string':
      return { kind: 'string', position, text, value: unquoteGo(text) ?? tokens.fail('invalid syntax') };
    case 'open':
      return parsePipeline(scope, 'parenthesized pipeline', 'close');
    default:
      tokens.reset(mark);
      return undefined;
  }
}

function numberValue({ kind, text }: Token, tokens: TokenStream): number | bigint {
  if (kind === 'character') {
    return unquoteGo(text)?.codePointAt(0) ?? tokens.fail(`malformed character constant: ${text}`);
  }
  const plain = text.replaceAll('_', '').replace(/^([+-]?)0([0-7]+)$/, '$10o$2');
  const negative = plain.startsWith('-');
  const magnitude = plain.replace(/^[+-]/, '');
  const hexFloat = /^0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/.exec(magnitude);
  const value =
    hexFloat === null
      ? Number(magnitude)
      : Number.parseInt(`0${hexFloat[1]}${hexFloat[2]}`, 16) * 2 ** (Number(hexFloat[3]) - 4 * hexFloat[2]!.length);
  if (Number.isNaN(value)) tokens.fail(`illegal number syntax: ${JSON.stringify(text)}`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && !/[.eEpP]/.test(magnitude)) {
    return negative ? -BigInt(magnitude) : BigInt(magnitude);
  }
  return negative ? -value : value;
}
