import type { Flag } from './command.ts';

/** What every `prune` takes. */
export const pruneFlags: readonly Flag[] = [
  { long: 'dry-run', kind: 'bool', description: 'Only say what would be removed' },
  {
    long: 'filter',
    kind: 'list',
    value: 'filter',
    description: 'Only what meets these conditions (until=TIME, label=KEY[=VALUE])',
    check: (text) => {
      if (!text.includes('=')) throw new Error('bad format of filter (expected name=value)');
    },
  },
  { long: 'force', short: 'f', kind: 'bool', description: 'Do not ask' },
];
