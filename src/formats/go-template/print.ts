import { isAbsent, isList, isMap, isStruct, sortedEntries, type Value } from './values.ts';

/** A value as an action prints it. */
export function printValue(value: Value): string {
  return isAbsent(value) ? '<no value>' : formatValue(value);
}

/** A value as Go's `%v` shows it: `map[a:1 b:2]`, `[a b]`, `{1 2}`, `<nil>`. */
export function formatValue(value: Value): string {
  if (isAbsent(value)) return '<nil>';
  if (typeof value === 'number') return formatNumber(value);
  if (isList(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (isMap(value)) {
    return `map[${sortedEntries(value)
      .map(([key, item]) => `${key}:${formatValue(item)}`)
      .join(' ')}]`;
  }
  if (isStruct(value)) return `{${Object.values(value).map(formatValue).join(' ')}}`;
  return String(value);
}

/** Integers in full; others in as few digits as tell them apart, with an exponent below -4 and from 6 on. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  const withExponent = power >= (Number.isInteger(value) ? 21 : 6) || (power < -4 && value !== 0);
  return withExponent ? `${mantissa}e${formatExponent(power)}` : expand(value);
}

/** With a sign and at least two digits. */
export function formatExponent(power: number): string {
  return `${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

function expand(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(10).replace(/0+$/, '') : text;
}

/** Go's `Sprint`: a blank between two values of which neither is a string. */
export function sprint(values: readonly Value[]): string {
  return values
    .map((value, index) => {
      const blank = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string';
      return (blank ? ' ' : '') + formatValue(value);
    })
    .join('');
}

/** Go's `Sprintln`: a blank between all, and a newline. */
export function sprintln(values: readonly Value[]): string {
  return `${values.map(formatValue).join(' ')}\n`;
}
