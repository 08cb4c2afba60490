import type { Flag } from '../../command.ts';
import type { ParsedFlags } from '../../flags.ts';

export const timeoutFlag: Flag = {
  long: 'timeout',
  short: 't',
  kind: 'int',
  description: 'Seconds until a stop becomes a kill',
};

export const timeoutOf = (flags: ParsedFlags): number | undefined =>
  flags.given('timeout') ? flags.int('timeout') : undefined;
