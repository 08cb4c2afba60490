import { invalid, TugError } from '../../base/errors.ts';
import type { Output } from './output.ts';
import { renderTable } from './table.ts';

/** One field of a listing: its column's header, and its text for an item. */
export interface Field<T> {
  readonly header: string;
  readonly value: (item: T) => string;
}

export interface Listing<T> {
  /** By the names that templates and JSON use. */
  readonly fields: Readonly<Record<string, Field<T>>>;
  /** The fields of the default table, in order. */
  readonly columns: readonly string[];
  /** Functions that a template may call on an item, such as `.Label "name"`. */
  readonly methodHeaders?: Readonly<Record<string, (argument: string) => string>>;
  readonly methods?: Readonly<Record<string, (item: T) => (argument: string) => string>>;
}

/**
 * Prints items in the format of `--format`: `''` or `table` for the default table, `table TEMPLATE`, `json` (one
 * object a line), or a template for each item.
 */
export async function printListing<T>(
  out: Output,
  format: string,
  listing: Listing<T>,
  items: readonly T[],
): Promise<void> {
  return out.write(await formatListing(format, listing, items));
}

/** The text that `printListing` prints. */
export async function formatListing<T>(format: string, listing: Listing<T>, items: readonly T[]): Promise<string> {
  if (format === '' || format === 'table') return defaultTable(listing, items);
  if (format === 'json') return items.map((item) => `${jsonLine(listing, item)}\n`).join('');
  return await fromTemplate(format, listing, items);
}

/** @throws invalid that says, as Docker does, whether the template could not be read or not be used. */
async function fromTemplate<T>(format: string, listing: Listing<T>, items: readonly T[]): Promise<string> {
  const { formatTable, formatItems } = await import('./template.ts');
  const views = items.map((item) => viewOf(listing, item));
  const headers = {
    ...Object.fromEntries(Object.entries(listing.fields).map(([name, field]) => [name, field.header])),
    ...listing.methodHeaders,
  };
  try {
    if (!/^table\s/.test(format)) return formatItems(format, views);
    return formatTable(format.slice('table'.length).trim(), headers, views);
  } catch (error) {
    if (!(error instanceof TugError)) throw error;
    const verb = error.code === 'template-parse' ? 'parse' : 'execute';
    throw invalid(`failed to ${verb} template: ${error.message}`, { cause: error });
  }
}

function defaultTable<T>(listing: Listing<T>, items: readonly T[]): string {
  const columns = listing.columns.map((name) => listing.fields[name]!);
  return renderTable([
    columns.map((column) => column.header),
    ...items.map((item) => columns.map((column) => column.value(item))),
  ]);
}

function jsonLine<T>(listing: Listing<T>, item: T): string {
  const names = Object.keys(listing.fields).toSorted();
  return goJson(Object.fromEntries(names.map((name) => [name, listing.fields[name]!.value(item)])));
}

/** JSON as Go writes it: what means something in HTML, and two line ends that are none in JSON, are escaped. */
export const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The item as a template sees it; a field is computed when it is used. */
export function viewOf<T>(listing: Listing<T>, item: T): object {
  const view = {};
  for (const [name, field] of Object.entries(listing.fields))
    Object.defineProperty(view, name, { enumerable: true, get: () => field.value(item) });
  for (const [name, method] of Object.entries(listing.methods ?? {}))
    Object.defineProperty(view, name, { enumerable: false, value: method(item) });
  return view;
}
