import { messageOf } from '../../base/errors.ts';
import { parseDuration } from '../duration.ts';
import { readFlags } from './flags.ts';
import { SyntaxFault } from './source.ts';
import type { Instruction, Statement } from './types.ts';

const flagKinds = {
  interval: 'text',
  timeout: 'text',
  'start-period': 'text',
  'start-interval': 'text',
  retries: 'text',
} as const;

const MILLISECOND = 1_000_000n;
const MOST_RETRIES = 2 ** 31 - 1;

/** Reads HEALTHCHECK. @throws SyntaxFault in Docker's words. */
export function parseHealthcheck(statement: Statement): Instruction {
  const [, type = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(statement.text) ?? [];
  const kind = type.toUpperCase();
  if (kind === '') throw new SyntaxFault('HEALTHCHECK requires at least one argument');
  if (kind === 'NONE') {
    readFlags(statement.flags, {});
    if (rest !== '') throw new SyntaxFault('HEALTHCHECK NONE takes no arguments', rest);
    return { name: 'HEALTHCHECK', statement, test: ['NONE'] };
  }
  const flags = readFlags(statement.flags, flagKinds);
  if (kind !== 'CMD') throw new SyntaxFault(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`, type);
  const command = statement.json ?? (rest === '' ? [] : [rest]);
  if (command.length === 0) throw new SyntaxFault('Missing command after HEALTHCHECK CMD', type);
  return {
    name: 'HEALTHCHECK',
    statement,
    test: [statement.json === undefined ? 'CMD-SHELL' : 'CMD', ...command],
    ...duration('interval', flags.interval, 'interval'),
    ...duration('timeout', flags.timeout, 'timeout'),
    ...duration('start-period', flags['start-period'], 'startPeriod'),
    ...duration('start-interval', flags['start-interval'], 'startInterval'),
    ...readRetries(flags.retries),
  };
}

function duration<Key extends string>(flag: string, value: string | undefined, key: Key): { [Name in Key]?: number } {
  if (value === undefined || value === '') return {};
  let nanoseconds: bigint;
  try {
    nanoseconds = parseDuration(value);
  } catch (error) {
    throw new SyntaxFault(messageOf(error), `--${flag}`);
  }
  if (nanoseconds === 0n) return {};
  if (nanoseconds < MILLISECOND) throw new SyntaxFault(`Interval "${flag}" cannot be less than 1ms`, `--${flag}`);
  return { [key]: Number(nanoseconds) } as { [Name in Key]?: number };
}

function readRetries(value: string | undefined): { retries?: number } {
  if (value === undefined || value === '') return {};
  const retries = Number(value);
  if (!/^[-+]?\d{1,10}$/.test(value) || retries > MOST_RETRIES) {
    throw new SyntaxFault(
      `strconv.ParseInt: parsing ${JSON.stringify(value.slice(0, 64))}: invalid syntax`,
      '--retries',
    );
  }
  if (retries < 0) throw new SyntaxFault(`--retries cannot be negative (${retries})`, '--retries');
  return retries === 0 ? {} : { retries };
}
