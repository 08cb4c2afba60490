import type { Plain } from './node.ts';

/** Texts that YAML 1.1 or 1.2 readers would take for something else than a text. */
const otherTypes =
  /^(?:|~|null|true|false|yes|no|on|off|y|n|[-+]?(?:\d[\d_]*\.?[\d_]*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|\.inf|0x[\da-f_]+|0o?[0-7_]+|0b[01_]+)|\.nan|[-+]?\d+(?::[0-5]?\d)+(?:\.\d*)?|\d{4}-\d\d?-\d\d?.*|<<|=)$/i;
const notPlain = /^[\s\-?:,[\]{}#&*!|>'"%@`]|: |:$| #|\s$/;
const unprintable = /[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\u2028\u2029]/;

/** Plain data as YAML, the way Go's library writes it with an indent of two. */
export function printYaml(value: Plain): string {
  const lines = block(value, 0);
  return `${lines.join('\n')}\n`;
}

function block(value: Plain, indent: number): string[] {
  const pad = ' '.repeat(indent);
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${pad}[]`];
    return value.flatMap((item) => {
      const [first = '', ...rest] = isNested(item) ? block(item, indent + 2) : scalarLines(item, indent + 2);
      return [`${pad}- ${first.trimStart()}`, ...rest];
    });
  }
  if (typeof value !== 'object' || value === null)
    return scalarLines(value, indent).map((line, at) => (at ? line : pad + line));
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${pad}{}`];
  return entries.flatMap(([key, item]) => {
    const name = `${pad}${scalarLines(key, 0)[0]}:`;
    if (isNested(item)) return [name, ...block(item, indent + 2)];
    const [first = '', ...rest] = scalarLines(item, indent + 2);
    return [`${name} ${first}`, ...rest];
  });
}

/** True for what does not fit on its key's line. */
function isNested(value: Plain): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/** The first line without an indent, the others with it. */
function scalarLines(value: Plain, indent: number): string[] {
  if (Array.isArray(value)) return ['[]'];
  if (value === null) return ['null'];
  if (typeof value === 'object') return ['{}'];
  if (typeof value !== 'string') return [String(value)];
  if (unprintable.test(value)) return [JSON.stringify(value)];
  if (value.includes('\n')) return literal(value, indent);
  if (otherTypes.test(value)) return [JSON.stringify(value)];
  if (notPlain.test(value) || value.includes('\t')) return [`'${value.replaceAll("'", "''")}'`];
  return [value];
}

function literal(value: string, indent: number): string[] {
  if (/^[\s]/.test(value) || /[ \t]$/m.test(value)) return [JSON.stringify(value)];
  const ending = value.endsWith('\n') ? (value.endsWith('\n\n') ? '+' : '') : '-';
  const lines = value.replace(/\n$/, '').split('\n');
  return [`|${ending}`, ...lines.map((line) => (line === '' ? '' : ' '.repeat(indent) + line))];
}
