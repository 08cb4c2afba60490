import { type Filters, formatFilters } from '../formats/key-value.ts';

export type { Filters };

/** The `filters` query value, or undefined when there is none. */
export function filtersQuery(filters: Filters): string | undefined {
  return Object.keys(filters).length === 0 ? undefined : formatFilters(filters);
}
