import { quoteGo } from '../go-quote.ts';
import { parseError } from './errors.ts';
import type { Token, TokenKind } from './lexer.ts';

/** The parser's view of the tokens: look ahead, take, and complain at the token taken last. */
export interface TokenStream {
  peek(): Token;
  next(): Token;
  /** These two pass over blanks first. */
  peekNonSpace(): Token;
  nextNonSpace(): Token;
  /** Goes back to an earlier place, as `mark` gave it. */
  mark(): number;
  reset(mark: number): void;
  expect(kind: TokenKind, context: string): Token;
  unexpected(token: Token, context: string): never;
  fail(message: string): never;
  /** The line where the current action began, for errors in one that runs over several lines. */
  actionLine: number;
}

export function createTokenStream(tokens: readonly Token[], name: string): TokenStream {
  let at = 0;
  const last = tokens.at(-1)!; // the lexer ends with `end` or `error`
  const stream: TokenStream = {
    actionLine: 0,
    peek: () => tokens[at] ?? last,
    next() {
      const token = stream.peek();
      at += 1;
      return token;
    },
    peekNonSpace() {
      while (stream.peek().kind === 'space') at += 1;
      return stream.peek();
    },
    nextNonSpace() {
      stream.peekNonSpace();
      return stream.next();
    },
    mark: () => at,
    reset(mark) {
      at = mark;
    },
    expect(kind, context) {
      const token = stream.nextNonSpace();
      if (token.kind !== kind) stream.unexpected(token, context);
      return token;
    },
    unexpected(token, context) {
      if (token.kind !== 'error') return stream.fail(`unexpected ${describeToken(token)} in ${context}`);
      const elsewhere = stream.actionLine !== 0 && stream.actionLine !== token.line;
      const started = token.text.endsWith(' action') ? ' started' : ' in action started';
      return stream.fail(token.text + (elsewhere ? `${started} at ${name}:${stream.actionLine}` : ''));
    },
    fail(message) {
      throw parseError(name, (tokens[Math.max(at - 1, 0)] ?? last).line, message);
    },
  };
  return stream;
}

export function describeToken(token: Token): string {
  if (token.kind === 'end') return 'EOF';
  if (['keyword', 'dot', 'nil'].includes(token.kind)) return `<${token.text}>`;
  return token.text.length > 10 ? `${quoteGo(token.text.slice(0, 10))}...` : quoteGo(token.text);
}
