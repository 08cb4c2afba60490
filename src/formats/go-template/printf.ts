import { quoteGo, quoteGoCharacter } from '../go-quote.ts';
import { formatExponent, formatNumber, formatValue } from './print.ts';
import { isAbsent, isList, isMap, isNumber, sortedEntries, typeName, type Value } from './values.ts';

interface Directive {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

const directive = /%([-+# 0]*)(\*|[0-9]+)?(?:\.(\*|[0-9]*))?(.)?/gsu;
/** Wider than any terminal; keeps a hostile format from filling the memory. */
const widest = 10_000;

/** Go's `Sprintf`, with its notes on arguments that are missing, too many or of the wrong type. */
export function sprintf(format: string, args: readonly Value[]): string {
  let used = 0;
  const next = (): { value: Value } | undefined => {
    const taken = used < args.length ? { value: args[used] } : undefined;
    used += 1;
    return taken;
  };
  const starNumber = (text: string | undefined): number | undefined => {
    const number = text === '*' ? next()?.value : text === undefined ? undefined : Number(text);
    return typeof number === 'number' ? Math.min(number, widest) : undefined;
  };
  const text = format.replace(directive, (_whole, flags: string, widthText, precisionText, verb?: string) => {
    const width = starNumber(widthText as string | undefined);
    const precision = starNumber(precisionText as string | undefined);
    if (verb === undefined) return '%!(NOVERB)';
    if (verb === '%') return '%';
    const taken = next();
    if (taken === undefined) return `%!${verb}(MISSING)`;
    const minus = flags.includes('-') || (width ?? 0) < 0;
    const zero = flags.includes('0') && !minus;
    const [plus, sharp, space] = [flags.includes('+'), flags.includes('#'), flags.includes(' ')];
    const spec = { minus, plus, sharp, space, zero, width: width && Math.abs(width), precision, verb };
    return formatDirective(spec, taken.value);
  });
  if (used >= args.length) return text;
  const extra = args
    .slice(used)
    .map((value) => (isAbsent(value) ? '<nil>' : `${typeName(value)}=${formatValue(value)}`));
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

function formatDirective(spec: Directive, value: Value): string {
  if (spec.verb === 'T') return pad(spec, isAbsent(value) ? '<nil>' : typeName(value));
  if (isAbsent(value)) return spec.verb === 'v' ? pad(spec, '<nil>') : `%!${spec.verb}(<nil>)`;
  const text = formatVerb(spec, value);
  if (text === undefined) return `%!${spec.verb}(${typeName(value)}=${formatValue(value)})`;
  return text;
}

function formatVerb(spec: Directive, value: Value): string | undefined {
  if (isList(value) || isMap(value)) return formatElements(spec, value);
  if (typeof value === 'string') return formatString(spec, value);
  if (typeof value === 'boolean') return 'tv'.includes(spec.verb) ? pad(spec, String(value)) : undefined;
  if (isNumber(value)) {
    const isInteger = typeof value === 'bigint' || Number.isInteger(value);
    if ('eEfFgG'.includes(spec.verb) || (!isInteger && spec.verb === 'v')) return formatFloat(spec, Number(value));
    return isInteger ? formatInteger(spec, BigInt(value)) : undefined;
  }
  return spec.verb === 'v' ? pad(spec, formatValue(value)) : undefined;
}

/** Verbs go to the elements of lists and maps. */
function formatElements(spec: Directive, value: Value): string {
  const each = (item: Value) => (spec.verb === 'v' ? formatValue(item) : formatDirective(spec, item));
  if (isList(value)) {
    const text = `[${value.map(each).join(' ')}]`;
    return spec.verb === 'v' ? pad(spec, text) : text;
  }
  const entries = isMap(value) ? sortedEntries(value) : [];
  return `map[${entries.map(([key, item]) => `${each(key)}:${each(item)}`).join(' ')}]`;
}

function formatString(spec: Directive, value: string): string | undefined {
  const cut = spec.precision === undefined ? value : [...value].slice(0, spec.precision).join('');
  switch (spec.verb) {
    case 's':
    case 'v':
      return pad(spec, spec.sharp && spec.verb === 'v' ? quoteGo(cut) : cut);
    case 'q':
      return pad(spec, spec.sharp && !cut.includes('`') ? `\`${cut}\`` : quoteGo(cut));
    case 'x':
      return pad(spec, Buffer.from(cut).toString('hex'));
    case 'X':
      return pad(spec, Buffer.from(cut).toString('hex').toUpperCase());
    default:
      return undefined;
  }
}

const bases: Readonly<Record<string, [radix: number, prefix: string]>> = {
  d: [10, ''],
  v: [10, ''],
  b: [2, '0b'],
  o: [8, '0'],
  O: [8, ''],
  x: [16, '0x'],
  X: [16, '0X'],
};

function formatInteger(spec: Directive, value: bigint): string | undefined {
  if (spec.verb === 'c') return pad(spec, String.fromCodePoint(Number(value)));
  if (spec.verb === 'q') return pad(spec, quoteGoCharacter(Number(value)));
  if (spec.verb === 'U') return pad(spec, `U+${value.toString(16).toUpperCase().padStart(4, '0')}`);
  const base = bases[spec.verb];
  if (base === undefined) return undefined;
  const digits = (value < 0n ? -value : value).toString(base[0]).padStart(spec.precision ?? 1, '0');
  const prefix = spec.verb === 'O' ? '0o' : spec.sharp ? base[1] : '';
  const body = spec.verb === 'X' ? digits.toUpperCase() : digits;
  return padNumber(spec, signOf(spec, value < 0n) + prefix, body, spec.zero && spec.precision === undefined);
}

function formatFloat(spec: Directive, value: number): string {
  const magnitude = Math.abs(value);
  const negative = value < 0 || Object.is(value, -0);
  if (!Number.isFinite(value)) {
    const text = Number.isNaN(value) ? 'NaN' : negative ? '-Inf' : '+Inf';
    return pad({ ...spec, zero: false }, text);
  }
  return padNumber(spec, signOf(spec, negative), floatDigits(spec, magnitude), spec.zero);
}

function floatDigits({ verb, precision }: Directive, value: number): string {
  const lower = verb.toLowerCase();
  let text: string;
  if (lower === 'f') text = value.toFixed(Math.min(precision ?? 6, 100));
  else if (lower === 'e') text = withGoExponent(value.toExponential(Math.min(precision ?? 6, 100)));
  else if (precision === undefined) text = formatNumber(value);
  else text = significant(value, Math.min(Math.max(precision, 1), 100));
  return verb === 'E' || verb === 'G' ? text.toUpperCase() : text;
}

function significant(value: number, digits: number): string {
  const power = value === 0 ? 0 : Number(value.toExponential(digits - 1).split('e')[1]);
  const trim = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  if (power >= -4 && power < digits) return trim(value.toFixed(digits - 1 - power));
  const [mantissa = '', exponent = '0'] = value.toExponential(digits - 1).split('e');
  return `${trim(mantissa)}e${formatExponent(Number(exponent))}`;
}

function withGoExponent(text: string): string {
  const [mantissa = '', exponent = '0'] = text.split('e');
  return `${mantissa}e${formatExponent(Number(exponent))}`;
}

function signOf({ plus, space }: Directive, negative: boolean): string {
  return negative ? '-' : plus ? '+' : space ? ' ' : '';
}

/** Zeros go between sign and digits, blanks around all. */
function padNumber(spec: Directive, sign: string, digits: string, zeros: boolean): string {
  if (!zeros) return pad({ ...spec, zero: false }, sign + digits);
  return sign + digits.padStart((spec.width ?? 0) - sign.length, '0');
}

function pad({ width = 0, minus, zero }: Directive, text: string): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}
