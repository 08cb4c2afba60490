import { isRunning, observeProject } from '../../../compose/observe.ts';
import { command as containerStats } from '../container/stats.ts';
import type { ComposeCommand } from './compose-command.ts';
import { delegate, passed } from './delegate.ts';

export const command: ComposeCommand = {
  name: 'stats',
  usage: '[OPTIONS] [SERVICE]',
  short: 'Show what containers use, as it changes',
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Show stopped containers too' },
    { long: 'format', kind: 'string', description: 'table, json, or a Go template' },
    { long: 'no-stream', kind: 'bool', description: 'Show it once' },
    { long: 'no-trunc', kind: 'bool', description: 'Show whole ids' },
  ],
  args: { min: 0, max: 1 },
  run: async ({ flags, args: [service] }, session, compose) => {
    const all = await observeProject(session.engine, await compose.name());
    const shown = all.filter(
      (one) => (flags.bool('all') || isRunning(one)) && (service === undefined || one.service === service),
    );
    if (shown.length === 0) return 0;
    const options = [
      ...passed('format', flags.optional('format')),
      ...(flags.bool('no-stream') ? ['--no-stream'] : []),
      ...(flags.bool('no-trunc') ? ['--no-trunc'] : []),
    ];
    return await delegate(containerStats, [...options, ...shown.map(({ name }) => name)], session);
  },
};
