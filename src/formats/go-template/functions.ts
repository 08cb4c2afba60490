import { equalsAny, FunctionError, isLess } from './compare.ts';
import { sprint, sprintln } from './print.ts';
import { sprintf } from './printf.ts';
import { isAbsent, isList, isMap, isNumber, isStruct, isTrue, sortedEntries, typeName, type Value } from './values.ts';

export type ParameterType = 'any' | 'string' | 'int' | 'strings';

export interface TemplateFunction {
  /** Types of the arguments that must be there. */
  readonly parameters: readonly ParameterType[];
  /** Type of those that may follow. */
  readonly more?: ParameterType;
  call(args: readonly Value[]): Value;
}

/** A letter at the start, or behind a blank or any ASCII character that is no letter, digit or underscore. */
const wordStart = /(?<=^|[\s\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f])\p{L}/gu;

const define = (
  parameters: readonly ParameterType[],
  call: (args: readonly Value[]) => Value,
  more?: ParameterType,
): TemplateFunction => ({ parameters, call, ...(more === undefined ? {} : { more }) });

const strings = (call: (text: string) => string): TemplateFunction =>
  define(['string'], ([text]) => call(String(text)));

/** Go's own functions, and those that Docker adds. `and` and `or` are the evaluator's, since they may stop early. */
export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map([
  ['index', define(['any'], ([first, ...keys]) => keys.reduce(element, first), 'any')],
  ['len', define(['any'], ([value]) => lengthOf(value))],
  ['slice', define(['any'], ([value, ...bounds]) => sliceOf(value, bounds), 'int')],
  ['not', define(['any'], ([value]) => !isTrue(value))],
  ['eq', define(['any'], ([first, ...others]) => equalsAny(first, others), 'any')],
  ['ne', define(['any', 'any'], ([a, b]) => !equalsAny(a, [b]))],
  ['lt', define(['any', 'any'], ([a, b]) => isLess(a, b))],
  ['le', define(['any', 'any'], ([a, b]) => isLess(a, b) || equalsAny(a, [b]))],
  ['gt', define(['any', 'any'], ([a, b]) => isLess(b, a))],
  ['ge', define(['any', 'any'], ([a, b]) => isLess(b, a) || equalsAny(a, [b]))],
  ['print', define([], (values) => sprint(values), 'any')],
  ['println', define([], (values) => sprintln(values), 'any')],
  ['printf', define(['string'], ([format, ...values]) => sprintf(String(format), values), 'any')],
  ['json', define(['any'], ([value]) => toJson(value))],
  ['split', define(['string', 'string'], ([text, by]) => split(String(text), String(by)))],
  ['join', define(['strings', 'string'], ([list, by]) => (isList(list) ? list : []).join(String(by)))],
  ['title', strings((text) => text.replace(wordStart, (letter) => letter.toUpperCase()))],
  ['lower', strings((text) => text.toLowerCase())],
  ['upper', strings((text) => text.toUpperCase())],
  [
    'pad',
    define(['string', 'int', 'int'], ([text, before, after]) => pad(String(text), Number(before), Number(after))),
  ],
  ['truncate', define(['string', 'int'], ([text, length]) => truncate(String(text), Number(length)))],
]);

/** A value as JSON, maps sorted by key; `<`, `>` and `&` stand as they are. */
export function toJson(value: Value): string {
  const text = JSON.stringify(value ?? null, (_key, item: Value) => {
    if (isMap(item)) return Object.fromEntries(sortedEntries(item));
    // JSON.stringify knows no bigint; beyond 2^53 the digits matter more than the type.
    if (typeof item === 'bigint') return Number.isSafeInteger(Number(item)) ? Number(item) : item.toString();
    return item;
  });
  return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

function element(value: Value, key: Value): Value {
  if (isAbsent(value)) throw new FunctionError('index of untyped nil');
  if (isMap(value) || isStruct(value)) {
    if (typeof key !== 'string') throw new FunctionError(`value has type ${typeName(key)}; should be string`);
    if (isMap(value)) return value.get(key);
    return Object.hasOwn(value, key) ? value[key] : undefined;
  }
  if (!isList(value) && typeof value !== 'string')
    throw new FunctionError(`can't index item of type ${typeName(value)}`);
  if (!isNumber(key)) throw new FunctionError(`cannot index slice/array with type ${typeName(key)}`);
  const at = Number(key);
  const items = isList(value) ? value : Buffer.from(value);
  if (!Number.isInteger(at) || at < 0 || at >= items.length) throw new FunctionError(`index out of range: ${key}`);
  return items[at];
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return value.size;
  if (isStruct(value)) return Object.keys(value).length;
  throw new FunctionError(isAbsent(value) ? 'len of nil pointer' : `len of type ${typeName(value)}`);
}

/** Strings are cut by bytes, as Go does. */
function sliceOf(value: Value, bounds: readonly Value[]): Value {
  if (typeof value !== 'string' && !isList(value))
    throw new FunctionError(`can't slice item of type ${typeName(value)}`);
  const items = typeof value === 'string' ? Buffer.from(value) : value;
  const [start = 0, end = items.length] = bounds.map(Number);
  for (const bound of [start, end]) {
    if (!(bound >= 0 && bound <= items.length)) throw new FunctionError(`index out of range: ${bound}`);
  }
  if (start > end) throw new FunctionError(`invalid slice index: ${start} > ${end}`);
  const part = items.slice(start, end);
  return part instanceof Buffer ? part.toString() : (part as Value);
}

function split(text: string, by: string): string[] {
  return by === '' ? [...text] : text.split(by);
}

function pad(text: string, before: number, after: number): string {
  const blanks = (count: number) => ' '.repeat(Math.min(Math.max(count, 0), 10_000));
  return text === '' ? '' : blanks(before) + text + blanks(after);
}

/** Counted in bytes, as Docker does. */
function truncate(text: string, length: number): string {
  const bytes = Buffer.from(text);
  return bytes.length < length ? text : bytes.subarray(0, Math.max(length, 0)).toString();
}
