import { type Evaluation, evaluatePipeline, failAt } from './evaluate-expression.ts';
import {
  type ControlNode,
  describeExpression,
  type Pipeline,
  type TemplateCallNode,
  type TemplateNode,
} from './nodes.ts';
import type { ParsedTemplates } from './parser.ts';
import { formatValue, printValue } from './print.ts';
import { isAbsent, isList, isMap, isNumber, isStruct, isTrue, sortedEntries, type Value } from './values.ts';

/** Go's own bound is 100,000; the stack here is smaller. */
const deepest = 500;
/** More than anyone prints; ends a `range 1000000000`. */
const mostTurns = 10_000_000;

interface Run {
  readonly templates: ParsedTemplates;
  readonly output: string[];
  readonly evaluation: Evaluation;
  readonly depth: number;
}

/** How a list of nodes ended. */
type Outcome = 'done' | 'break' | 'continue';

/** Executes the template called `name` and returns what it prints. @throws invalid `template-execute`. */
export function runTemplates(templates: ParsedTemplates, name: string, evaluation: Evaluation, data: Value): string {
  const run: Run = { templates, output: [], evaluation, depth: 0 };
  evaluation.variables = [{ name: '$', value: data }];
  walkList(run, data, templates.get(name) ?? []);
  return run.output.join('');
}

function walkList(run: Run, dot: Value, nodes: readonly TemplateNode[]): Outcome {
  for (const node of nodes) {
    const outcome = walk(run, dot, node);
    if (outcome !== 'done') return outcome;
  }
  return 'done';
}

function walk(run: Run, dot: Value, node: TemplateNode): Outcome {
  switch (node.kind) {
    case 'text':
      run.output.push(node.text);
      return 'done';
    case 'action': {
      const value = evaluatePipeline(run.evaluation, dot, node.pipeline);
      if (node.pipeline.targets.length === 0) run.output.push(printValue(value));
      return 'done';
    }
    case 'break':
    case 'continue':
      return node.kind;
    case 'range':
      return scoped(run, () => walkRange(run, dot, node));
    case 'template':
      return walkTemplate(run, dot, node);
    default:
      return scoped(run, () => walkCondition(run, dot, node));
  }
}

/** Variables declared in `work` are out of sight after it. */
function scoped(run: Run, work: () => Outcome): Outcome {
  const inSight = run.evaluation.variables.length;
  const outcome = work();
  run.evaluation.variables.length = inSight;
  return outcome;
}

function walkCondition(run: Run, dot: Value, node: ControlNode): Outcome {
  const value = evaluatePipeline(run.evaluation, dot, node.pipeline);
  if (isTrue(value)) return walkList(run, node.kind === 'with' ? value : dot, node.body);
  return walkList(run, dot, node.otherwise ?? []);
}

function walkRange(run: Run, dot: Value, node: ControlNode): Outcome {
  const { evaluation } = run;
  const { targets } = node.pipeline;
  // The variables get the elements, not the pipeline's value.
  const value = evaluatePipeline(evaluation, dot, { ...node.pipeline, targets: [] });
  let turns = 0;
  for (const [key, item] of elements(evaluation, value, node.pipeline)) {
    turns += 1;
    const inSight = evaluation.variables.length;
    const values = targets.length === 1 ? [item] : [key, item];
    targets.forEach((name, index) => {
      setVariable(evaluation, name, values[index], node.pipeline.assigns);
    });
    const outcome = walkList(run, item, node.body);
    evaluation.variables.length = inSight;
    if (outcome === 'break') break;
  }
  return turns > 0 ? 'done' : walkList(run, dot, node.otherwise ?? []);
}

function setVariable(evaluation: Evaluation, name: string, value: Value, assigns: boolean): void {
  const known = assigns ? evaluation.variables.findLast((variable) => variable.name === name) : undefined;
  if (known === undefined) evaluation.variables.push({ name, value });
  else known.value = value;
}

/** Keys and elements of what a `range` goes over; objects and maps by sorted key. */
function elements(evaluation: Evaluation, value: Value, pipeline: Pipeline): Iterable<[Value, Value]> {
  if (isAbsent(value)) return [];
  if (isList(value)) return value.entries();
  if (isMap(value) || isStruct(value)) return sortedEntries(value);
  const place = pipeline.commands.at(-1)?.args[0] ?? pipeline;
  const fail = (message: string) => failAt(evaluation, place.position, describeExpression(place), message);
  if (!isNumber(value) || !Number.isInteger(Number(value)) || value > mostTurns) {
    return fail(`range can't iterate over ${formatValue(value)}`);
  }
  if (pipeline.targets.length > 1) return fail(`can't use ${value} to iterate over more than one variable`);
  return countTo(Number(value));
}

function* countTo(count: number): Generator<[Value, Value]> {
  for (let index = 0; index < count; index += 1) yield [index, index];
}

/** Calls a defined template, which sees `$` and nothing else. */
function walkTemplate(run: Run, dot: Value, node: TemplateCallNode): Outcome {
  const { templates, evaluation, depth } = run;
  const body = templates.get(node.name);
  const fail = (message: string): never => {
    const pipeline = node.pipeline === undefined ? '' : ` ${describeExpression(node.pipeline)}`;
    return failAt(evaluation, node.position + 'template '.length, `{{template ${node.quoted}${pipeline}}}`, message);
  };
  if (body === undefined) return fail(`template ${node.quoted} not defined`);
  if (depth === deepest) return fail(`exceeded maximum template depth (${deepest})`);
  const inner = node.pipeline === undefined ? undefined : evaluatePipeline(evaluation, dot, node.pipeline);
  const variables = [{ name: '$', value: inner }];
  walkList({ ...run, depth: depth + 1, evaluation: { ...evaluation, executing: node.name, variables } }, inner, body);
  return 'done';
}
