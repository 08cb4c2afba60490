/** The parsed form of a template. Positions are offsets in its text. */
export type Expression =
  | { readonly kind: 'dot' | 'nil'; readonly position: number }
  | { readonly kind: 'bool'; readonly position: number; readonly value: boolean }
  | { readonly kind: 'number'; readonly position: number; readonly text: string; readonly value: number | bigint }
  | { readonly kind: 'string'; readonly position: number; readonly text: string; readonly value: string }
  | { readonly kind: 'field'; readonly position: number; readonly names: readonly string[] }
  | {
      readonly kind: 'variable';
      readonly position: number;
      readonly name: string;
      readonly names: readonly string[];
    }
  | {
      readonly kind: 'chain';
      readonly position: number;
      readonly base: Expression;
      readonly names: readonly string[];
    }
  | { readonly kind: 'identifier'; readonly position: number; readonly name: string }
  | Pipeline;

export interface Command {
  readonly position: number;
  /** Never empty. */
  readonly args: readonly Expression[];
}

export interface Pipeline {
  readonly kind: 'pipeline';
  readonly position: number;
  /** Variables it sets, with their `$`. */
  readonly targets: readonly string[];
  /** True for `=`, false for `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface ControlNode {
  readonly kind: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[] | undefined;
}

export interface TemplateCallNode {
  readonly kind: 'template';
  readonly position: number;
  readonly name: string;
  /** The name as it was written. */
  readonly quoted: string;
  readonly pipeline: Pipeline | undefined;
}

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | { readonly kind: 'break' | 'continue' }
  | ControlNode
  | TemplateCallNode;

/** An expression as it is quoted in error messages. */
export function describeExpression(expression: Expression | Command): string {
  if ('args' in expression) return expression.args.map(describeArgument).join(' ');
  switch (expression.kind) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(expression.value);
    case 'number':
    case 'string':
      return expression.text;
    case 'field':
      return expression.names.map((name) => `.${name}`).join('');
    case 'variable':
      return [expression.name, ...expression.names].join('.');
    case 'chain':
      return [describeArgument(expression.base), ...expression.names].join('.');
    case 'identifier':
      return expression.name;
    default:
      return describePipeline(expression);
  }
}

function describeArgument(expression: Expression): string {
  const text = describeExpression(expression);
  return expression.kind === 'pipeline' ? `(${text})` : text;
}

function describePipeline({ targets, assigns, commands }: Pipeline): string {
  const set = targets.length === 0 ? '' : `${targets.join(', ')} ${assigns ? '=' : ':='} `;
  return set + commands.map(describeExpression).join(' | ');
}
