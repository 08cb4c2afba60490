const narrowestColumn = 10;
const padding = 3;

/** Rows as aligned columns: each as wide as its widest cell plus three spaces, at least `narrowest`; the last is not padded. */
export function renderTable(
  rows: readonly (readonly string[])[],
  { narrowest = narrowestColumn }: { readonly narrowest?: number } = {},
): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries())
      widths[at] = Math.max(widths[at] ?? narrowest, displayWidth(cell) + padding);
  return rows
    .map((row) => `${row.map((cell, at) => pad(cell, at < row.length - 1 ? widths[at]! : 0)).join('')}\n`)
    .join('');
}

/** Code points, as Go's tabwriter counts them. */
const displayWidth = (text: string): number => [...text].length;
const pad = (cell: string, width: number): string => cell + ' '.repeat(Math.max(0, width - displayWidth(cell)));
