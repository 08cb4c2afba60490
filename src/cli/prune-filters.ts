import type { ConfigFile } from '../client/config-file.ts';
import { cutKeyValue, type Filters } from '../formats/key-value.ts';

/** The filters of a `prune`, with those of the configuration (`pruneFilters`); the line's win where both speak of a label. */
export function pruneFilters(config: ConfigFile, given: Filters): Filters {
  const filters: Filters = { ...given };
  for (const text of config.pruneFilters ?? []) {
    const { key, value } = cutKeyValue(text);
    if (value === undefined) continue;
    const opposite = key === 'label' ? 'label!' : key === 'label!' ? 'label' : undefined;
    if (opposite !== undefined && given[opposite]?.includes(value)) continue;
    filters[key] = [...new Set([...(filters[key] ?? []), value])];
  }
  return filters;
}
