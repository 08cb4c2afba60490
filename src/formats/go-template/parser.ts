import { unquoteGo } from '../go-quote.ts';
import { tokenize } from './lexer.ts';
import type { TemplateNode } from './nodes.ts';
import { parsePipeline, type Scope } from './parse-expression.ts';
import { createTokenStream, describeToken } from './token-stream.ts';

/** The bodies of a template and of those it defines, by name. */
export type ParsedTemplates = Map<string, readonly TemplateNode[]>;

interface Parser extends Scope {
  readonly templates: ParsedTemplates;
  /** How many `range` are open. */
  rangeDepth: number;
}

/** What ended a list of nodes. */
type Ending = 'end' | 'else' | 'eof';

/**
 * Parses a template and what it defines.
 * @throws invalid `template-parse`, with the line: `template: :1: unclosed action`.
 */
export function parseTemplates(name: string, text: string, hasFunction: (name: string) => boolean): ParsedTemplates {
  const tokens = createTokenStream(tokenize(text), name);
  const parser: Parser = { tokens, hasFunction, variables: ['$'], templates: new Map(), rangeDepth: 0 };
  const { nodes, ending } = parseList(parser, true);
  if (ending !== 'eof') tokens.fail(`unexpected {{${ending}}}`);
  parser.templates.set(name, nodes);
  return parser.templates;
}

function parseList(parser: Parser, top = false): { nodes: TemplateNode[]; ending: Ending } {
  const { tokens } = parser;
  const nodes: TemplateNode[] = [];
  for (;;) {
    const token = tokens.next();
    if (token.kind === 'text') nodes.push({ kind: 'text', text: token.text });
    else if (token.kind === 'left') {
      tokens.actionLine = token.line;
      const node = parseAction(parser, top);
      tokens.actionLine = 0;
      if (typeof node === 'string') return { nodes, ending: node };
      nodes.push(...node);
    } else if (token.kind === 'end') {
      if (!top) tokens.fail('unexpected EOF');
      return { nodes, ending: 'eof' };
    } else tokens.unexpected(token, 'input');
  }
}

/** What stands between `{{` and `}}`, with the body and the `{{end}}` that belong to it. */
function parseAction(parser: Parser, top: boolean): TemplateNode[] | 'end' | 'else' {
  const { tokens } = parser;
  const mark = tokens.mark();
  const token = tokens.nextNonSpace();
  switch (token.kind === 'keyword' ? token.text : '') {
    case 'if':
    case 'with':
    case 'range':
      return [parseControl(parser, token.text as 'if' | 'with' | 'range')];
    case 'end':
      tokens.expect('right', 'end');
      return 'end';
    case 'else':
      // `{{else if` goes on as the inner if, which shares the outer one's end.
      if (!['if', 'with'].includes(tokens.peekNonSpace().text)) tokens.expect('right', 'else');
      return 'else';
    case 'break':
    case 'continue':
      return [parseJump(parser, token.text as 'break' | 'continue')];
    case 'template':
      return [parseTemplateCall(parser, token.position)];
    case 'block':
      return [parseBlock(parser, token.position)];
    case 'define':
      if (!top) tokens.unexpected(token, 'command');
      parseDefinition(parser);
      return [];
    default:
      tokens.reset(mark);
      // A variable that is declared here stays in sight to the end of the enclosing block.
      return [{ kind: 'action', pipeline: parsePipeline(parser, 'command', 'right') }];
  }
}

function parseControl(parser: Parser, kind: 'if' | 'with' | 'range'): TemplateNode {
  const { tokens } = parser;
  const inSight = parser.variables.length;
  const pipeline = parsePipeline(parser, kind, 'right');
  if (kind === 'range') parser.rangeDepth += 1;
  const { nodes: body, ending } = parseList(parser);
  if (kind === 'range') parser.rangeDepth -= 1;
  let otherwise: TemplateNode[] | undefined;
  if (ending === 'else') {
    const { kind: follows, text } = tokens.peekNonSpace();
    if (follows === 'keyword' && (text === 'if' || text === 'with')) {
      if (text !== kind) tokens.unexpected(tokens.nextNonSpace(), 'else');
      tokens.next();
      otherwise = [parseControl(parser, text)];
    } else {
      const rest = parseList(parser);
      if (rest.ending !== 'end') tokens.fail(`expected end; found {{${rest.ending}}}`);
      otherwise = rest.nodes;
    }
  }
  parser.variables.length = inSight;
  return { kind, pipeline, body, otherwise };
}

function parseJump({ tokens, rangeDepth }: Parser, kind: 'break' | 'continue'): TemplateNode {
  const token = tokens.nextNonSpace();
  if (token.kind !== 'right') tokens.unexpected(token, `{{${kind}}}`);
  if (rangeDepth === 0) tokens.fail(`{{${kind}}} outside {{range}}`);
  return { kind };
}

function parseTemplateCall(parser: Parser, position: number): TemplateNode {
  const { name, quoted } = parseName(parser, 'template clause');
  const { tokens } = parser;
  if (tokens.peekNonSpace().kind === 'right') {
    tokens.next();
    return { kind: 'template', position, name, quoted, pipeline: undefined };
  }
  return { kind: 'template', position, name, quoted, pipeline: parsePipeline(parser, 'template clause', 'right') };
}

/** `{{block "name" pipeline}}` defines a template and calls it. */
function parseBlock(parser: Parser, position: number): TemplateNode {
  const { name, quoted } = parseName(parser, 'block clause');
  const pipeline = parsePipeline(parser, 'block clause', 'right');
  parser.templates.set(name, parseBody(parser, 'block clause'));
  return { kind: 'template', position, name, quoted, pipeline };
}

function parseDefinition(parser: Parser): void {
  const { name } = parseName(parser, 'define clause');
  parser.tokens.expect('right', 'define clause');
  parser.templates.set(name, parseBody(parser, 'define clause'));
}

/** A body up to its end, which sees no variable but `$`. */
function parseBody(parser: Parser, context: string): TemplateNode[] {
  const { variables, rangeDepth } = parser;
  parser.variables = ['$'];
  parser.rangeDepth = 0;
  const { nodes, ending } = parseList(parser);
  if (ending !== 'end') parser.tokens.fail(`unexpected {{${ending}}} in ${context}`);
  parser.variables = variables;
  parser.rangeDepth = rangeDepth;
  return nodes;
}

function parseName({ tokens }: Parser, context: string): { name: string; quoted: string } {
  const token = tokens.nextNonSpace();
  if (token.kind !== 'string') tokens.unexpected(token, context);
  const name = unquoteGo(token.text) ?? tokens.fail(`invalid syntax in ${describeToken(token)}`);
  return { name, quoted: token.text };
}
