import type { StopOptions } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';

/** How `stop` and `restart` end a container. */
export const stopFlags: Command['flags'] = [
  { long: 'signal', short: 's', kind: 'string', description: 'Signal to send first' },
  { long: 'timeout', short: 't', kind: 'int', description: 'Seconds until SIGKILL; -1 for never' },
  { long: 'time', kind: 'int', description: '', aliasOf: 'timeout' },
];

export const stopOptions = (flags: ParsedFlags): StopOptions => ({
  timeout: flags.given('timeout') ? flags.int('timeout') : undefined,
  signal: flags.optional('signal'),
});
