import type { TemplateFunction } from '../../formats/go-template/functions.ts';
import { execute, parseTemplate, type Template } from '../../formats/go-template/template.ts';
import type { Value } from '../../formats/go-template/values.ts';
import { renderTable } from './table.ts';

/** Fields whose objects are maps of the user's own keys: one that is missing there is no error. */
const maps: ReadonlySet<string> = new Set([
  ...['Labels', 'Annotations', 'Attributes', 'Options', 'DriverOpts', 'Sysctls', 'Tmpfs', 'StorageOpt', 'Details'],
  ...['Networks', 'Ports', 'PortBindings', 'ExposedPorts', 'Volumes', 'Runtimes', 'Data'],
]);

/** One object as JSON or through a template, with a newline. */
export function formatOne(format: string, view: unknown): string {
  return format === 'json' ? `${JSON.stringify(view)}\n` : formatEach(format, [view]);
}

/** Each object through the template, a line each. @throws invalid for what the template cannot do. */
export function formatEach(format: string, views: readonly unknown[]): string {
  const template = parseTemplate(format);
  return views.map((view) => `${run(template, view)}\n`).join('');
}

/** As `formatEach` for a listing: `\t` and `\n` written out in the format are a tab and a newline. */
export function formatItems(format: string, views: readonly unknown[]): string {
  return formatEach(writtenOut(format), views);
}

/** A table whose columns the template separates by tabs; its header is the template run on the headers. */
export function formatTable(
  format: string,
  headers: Readonly<Record<string, unknown>>,
  views: readonly unknown[],
): string {
  const text = writtenOut(format);
  const template = parseTemplate(text);
  const lines = [run(parseTemplate(text, headerFunctions), headers), ...views.map((view) => run(template, view))];
  return renderTable(lines.map((line) => line.split('\t')));
}

const writtenOut = (format: string): string => format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
const run = (template: Template, view: unknown): string => execute(template, view, { maps });

/** In a header the functions that change a value leave it alone. */
const first: TemplateFunction = { parameters: ['any'], more: 'any', call: (args) => args[0] as Value };
const headerFunctions = {
  json: first,
  split: first,
  join: first,
  title: first,
  lower: first,
  upper: first,
  pad: first,
  truncate: first,
};

/** Further names for an object's fields, for templates only: JSON does not show them. */
export function withAliases<T extends object>(object: T, aliases: Readonly<Record<string, keyof T & string>>): T {
  const view = { ...object };
  for (const [alias, field] of Object.entries(aliases))
    if (!(alias in view)) Object.defineProperty(view, alias, { enumerable: false, value: object[field] });
  return view;
}
