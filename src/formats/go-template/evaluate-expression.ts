import { FunctionError } from './compare.ts';
import { executeError, type Place } from './errors.ts';
import type { ParameterType, TemplateFunction } from './functions.ts';
import { type Command, describeExpression, type Expression, type Pipeline } from './nodes.ts';
import { isAbsent, isList, isMap, isNumber, isStruct, isTrue, typeName, type Value } from './values.ts';

/** Where an evaluation stands: what the templates are, which one is executed, and the variables in sight. */
export interface Evaluation {
  readonly source: { readonly name: string; readonly text: string };
  readonly executing: string;
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  readonly structName: string;
  /** Names of fields whose objects are maps. */
  readonly maps: ReadonlySet<string>;
  readonly missingKey: 'default' | 'error';
  /** Innermost last. */
  variables: { name: string; value: Value }[];
}

/** Throws the error that says where. */
export function failAt(evaluation: Evaluation, position: number, expression: string, message: string): never {
  const place: Place = { ...evaluation.source, position, expression, executing: evaluation.executing };
  throw executeError(place, message);
}

function fail(evaluation: Evaluation, at: Expression | Command, message: string): never {
  return failAt(evaluation, at.position, describeExpression(at), message);
}

/** Evaluates a pipeline and sets its variables. @throws invalid `template-execute`. */
export function evaluatePipeline(evaluation: Evaluation, dot: Value, pipeline: Pipeline): Value {
  let value: { of: Value } | undefined;
  for (const command of pipeline.commands) value = { of: evaluateCommand(evaluation, dot, command, value) };
  const result = value?.of;
  for (const name of pipeline.targets) {
    const known = pipeline.assigns ? evaluation.variables.findLast((variable) => variable.name === name) : undefined;
    if (known !== undefined) known.value = result;
    else if (pipeline.assigns) fail(evaluation, lastArgument(pipeline), `undefined variable: ${name}`);
    else evaluation.variables.push({ name, value: result });
  }
  return result;
}

function lastArgument(pipeline: Pipeline): Expression {
  return pipeline.commands.at(-1)?.args[0] ?? pipeline;
}

/** `piped` is the result of the command before, which becomes the last argument. */
function evaluateCommand(
  evaluation: Evaluation,
  dot: Value,
  command: Command,
  piped: { of: Value } | undefined,
): Value {
  const [first, ...args] = command.args as readonly [Expression, ...Expression[]];
  switch (first.kind) {
    case 'identifier':
      return callFunction(evaluation, dot, command, first, args, piped);
    case 'field':
    case 'variable':
    case 'chain': {
      const evaluated = args.map((arg) => evaluate(evaluation, dot, arg));
      return evaluateFields(evaluation, dot, first, piped === undefined ? evaluated : [...evaluated, piped.of]);
    }
    default:
      if (args.length > 0 || piped !== undefined) {
        fail(evaluation, first, `can't give argument to non-function ${describeExpression(first)}`);
      }
      if (first.kind === 'nil') fail(evaluation, first, 'nil is not a command');
      return evaluate(evaluation, dot, first);
  }
}

/** The value of an argument. */
function evaluate(evaluation: Evaluation, dot: Value, expression: Expression): Value {
  switch (expression.kind) {
    case 'dot':
      return dot;
    case 'nil':
      return undefined;
    case 'bool':
    case 'number':
    case 'string':
      return expression.value;
    case 'pipeline':
      return evaluatePipeline(evaluation, dot, expression);
    case 'identifier':
      return callFunction(evaluation, dot, expression, expression, [], undefined);
    default:
      return evaluateFields(evaluation, dot, expression, []);
  }
}

type FieldExpression = Extract<Expression, { kind: 'field' | 'variable' | 'chain' }>;

/** Follows the names; `args` go to the last one, if that is a method. */
function evaluateFields(
  evaluation: Evaluation,
  dot: Value,
  expression: FieldExpression,
  args: readonly Value[],
): Value {
  const base =
    expression.kind === 'field'
      ? dot
      : expression.kind === 'variable'
        ? evaluation.variables.findLast(({ name }) => name === expression.name)?.value
        : evaluate(evaluation, dot, expression.base);
  if (expression.names.length === 0 && args.length > 0) {
    fail(evaluation, expression, `can't give argument to non-function ${describeExpression(expression)}`);
  }
  return expression.names.reduce(
    (value, name, index) =>
      fieldOf(evaluation, expression, value, name, index === expression.names.length - 1 ? args : []),
    base,
  );
}

function fieldOf(evaluation: Evaluation, at: Expression, value: Value, name: string, args: readonly Value[]): Value {
  if (isAbsent(value)) return fail(evaluation, at, `nil pointer evaluating interface {}.${name}`);
  const known = isMap(value) ? value.has(name) : isStruct(value) && Object.hasOwn(value, name);
  if (!known && isMap(value) && evaluation.missingKey === 'error') {
    fail(evaluation, at, `map has no entry for key ${JSON.stringify(name)}`);
  }
  if (!known && !isMap(value)) {
    fail(evaluation, at, `can't evaluate field ${name} in type ${typeName(value, evaluation.structName)}`);
  }
  const found = isMap(value) ? value.get(name) : isStruct(value) ? value[name] : undefined;
  if (typeof found === 'function') {
    if (found.length !== args.length) {
      fail(evaluation, at, `wrong number of args for ${name}: want ${found.length} got ${args.length}`);
    }
    return found(...args);
  }
  if (args.length > 0)
    fail(
      evaluation,
      at,
      `${name} ${isMap(value) ? 'is not a method but has arguments' : 'has arguments but cannot be invoked as function'}`,
    );
  return isStruct(found) && evaluation.maps.has(name) ? new Map(Object.entries(found)) : found;
}

function callFunction(
  evaluation: Evaluation,
  dot: Value,
  command: Expression | Command,
  identifier: Extract<Expression, { kind: 'identifier' }>,
  args: readonly Expression[],
  piped: { of: Value } | undefined,
): Value {
  const { name } = identifier;
  const count = args.length + (piped === undefined ? 0 : 1);
  if (name === 'and' || name === 'or') {
    if (count === 0) fail(evaluation, identifier, `wrong number of args for ${name}: want at least 1 got 0`);
    return evaluateUntil(name === 'or', evaluation, dot, args, piped);
  }
  const called = evaluation.functions.get(name);
  if (called === undefined) return fail(evaluation, identifier, `${JSON.stringify(name)} is not a defined function`);
  const { parameters, more } = called;
  if (more === undefined ? count !== parameters.length : count < parameters.length) {
    const want = more === undefined ? parameters.length : `at least ${parameters.length}`;
    fail(evaluation, identifier, `wrong number of args for ${name}: want ${want} got ${count}`);
  }
  const values = args.map((arg, index) => {
    const value = evaluate(evaluation, dot, arg);
    checkArgument(evaluation, arg, value, parameters[index] ?? more ?? 'any');
    return value;
  });
  if (piped !== undefined) {
    checkArgument(evaluation, identifier, piped.of, parameters[args.length] ?? more ?? 'any');
    values.push(piped.of);
  }
  try {
    return called.call(values);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    return fail(evaluation, command, `error calling ${name}: ${error.message}`);
  }
}

/** `and` gives its first argument that is false, `or` the first that is true, else both the last; the rest is not looked at. */
function evaluateUntil(
  wanted: boolean,
  evaluation: Evaluation,
  dot: Value,
  args: readonly Expression[],
  piped: { of: Value } | undefined,
): Value {
  let value: Value;
  for (const arg of args) {
    value = evaluate(evaluation, dot, arg);
    if (isTrue(value) === wanted) return value;
  }
  return piped === undefined ? value : piped.of;
}

function checkArgument(evaluation: Evaluation, arg: Expression, value: Value, type: ParameterType): void {
  const fits =
    type === 'any' ||
    (type === 'string' && typeof value === 'string') ||
    (type === 'int' && isNumber(value)) ||
    (type === 'strings' && isList(value) && value.every((item) => typeof item === 'string'));
  if (fits) return;
  const wanted = type === 'strings' ? '[]string' : type;
  const shown = describeExpression(arg);
  if (arg.kind === 'nil') fail(evaluation, arg, `cannot assign nil to ${wanted}`);
  if (['bool', 'number', 'string'].includes(arg.kind)) {
    if (type === 'strings') fail(evaluation, arg, `can't handle ${shown} for arg of type []string`);
    fail(evaluation, arg, `expected ${type === 'int' ? 'integer' : wanted}; found ${shown}`);
  }
  if (isAbsent(value)) fail(evaluation, arg, `invalid value; expected ${wanted}`);
  fail(evaluation, arg, `wrong type for value; expected ${wanted}; got ${typeName(value, evaluation.structName)}`);
}
