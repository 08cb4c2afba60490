import { formatValue } from './print.ts';
import { isAbsent, isNumber, typeName, type Value } from './values.ts';

/** A fault of a function's arguments; the evaluator adds where. */
export class FunctionError extends Error {}

/** True if `first` equals any of the others. */
export function equalsAny(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new FunctionError('missing argument for comparison');
  return others.some((other) => equals(first, other));
}

function equals(a: Value, b: Value): boolean {
  if (isAbsent(a) || isAbsent(b)) return isAbsent(a) && isAbsent(b);
  const kinds = [kindOf(a), kindOf(b)];
  const strange = kinds[0] === undefined ? a : kinds[1] === undefined ? b : undefined;
  if (strange !== undefined) {
    throw new FunctionError(`non-comparable type ${formatValue(strange)}: ${typeName(strange)}`);
  }
  if (kinds[0] !== kinds[1]) throw new FunctionError('incompatible types for comparison');
  // Neither less nor greater: an integer may be a number here and a bigint there.
  return isNumber(a) && isNumber(b) ? !(a < b || a > b) : a === b;
}

export function isLess(a: Value, b: Value): boolean {
  if (isNumber(a) && isNumber(b)) return a < b;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  const comparable = [a, b].every(
    (value) => isNumber(value) || typeof value === 'string' || typeof value === 'boolean',
  );
  if (!comparable || (typeof a === 'boolean' && typeof b === 'boolean')) {
    throw new FunctionError('invalid type for comparison');
  }
  throw new FunctionError('incompatible types for comparison');
}

function kindOf(value: Value): string | undefined {
  if (isNumber(value)) return 'number';
  return typeof value === 'string' || typeof value === 'boolean' ? typeof value : undefined;
}
