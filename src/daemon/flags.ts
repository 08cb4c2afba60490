import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util';
import { invalid } from '../base/errors.ts';
import { type Setting, type SettingKey, type Settings, settings } from './config-schema.ts';

/** What the command line asks for. */
export interface DaemonFlags {
  readonly command: 'run' | 'doctor' | 'validate' | 'version' | 'help';
  /** A configuration file that must exist; the default one need not. */
  readonly configFile: string | undefined;
  readonly settings: Settings;
}

const ownFlags = {
  'config-file': { type: 'string', help: 'Configuration file (default /etc/tug/daemon.json)' },
  validate: { type: 'boolean', help: 'Check the configuration and exit' },
  version: { type: 'boolean', short: 'v', help: 'Print the version and exit' },
  help: { type: 'boolean', short: 'h', help: 'Print this help and exit' },
} as const;

const flagged = (Object.entries(settings) as [SettingKey, Setting][]).filter(([, { kind }]) => kind !== 'file');

/**
 * Parses tugd's arguments, in the spelling of Docker's daemon (`--debug=false` and `-Htcp://...` included).
 * @throws invalid for an unknown flag, a missing or malformed value, and for arguments that are none.
 */
export function parseFlags(args: readonly string[]): DaemonFlags {
  const parsed = parse(args.map(plainToggle));
  const { values, positionals } = parsed;
  const [word, ...more] = positionals;
  if (more.length > 0 || (word !== undefined && word !== 'doctor')) {
    throw invalid(`"tugd" accepts no arguments but "doctor": ${positionals.join(' ')}\nSee 'tugd --help'.`);
  }
  const given: Record<string, unknown> = {};
  for (const [key, setting] of flagged) {
    const flag = setting.flag ?? key;
    const value = values[flag];
    if (value !== undefined) given[key] = convert(flag, setting, value);
  }
  const asked = (['help', 'version', 'validate'] as const).find((name) => values[name]);
  const configFile = values['config-file'];
  return {
    command: asked ?? (word === 'doctor' ? 'doctor' : 'run'),
    configFile: typeof configFile === 'string' ? configFile : undefined,
    settings: given as Settings,
  };
}

/** The text of `tugd --help`. */
export function helpText(): string {
  const own = Object.entries(ownFlags).map(([name, flag]) =>
    line(name, 'short' in flag ? flag.short : undefined, flag),
  );
  const lines = flagged.map(([key, setting]) =>
    line(setting.flag ?? key, setting.short, {
      type: setting.kind === 'toggle' ? 'boolean' : setting.kind,
      ...setting,
    }),
  );
  return [
    'Usage: tugd [OPTIONS]',
    '       tugd doctor [--data-root PATH]    Say what this machine has and lacks for containers',
    '',
    'The container engine. Containers run on when it ends, and are found again when it starts.',
    '',
    'Options:',
    ...[...lines, ...own].sort((a, b) => a.slice(6).localeCompare(b.slice(6))),
    '',
  ].join('\n');
}

function line(name: string, short: string | undefined, { type, help }: { type: string; help: string }): string {
  const value = type === 'boolean' ? '' : ` ${type === 'text' ? 'string' : type}`;
  return `  ${short ? `-${short},` : '   '} ${`--${name}${value}`.padEnd(32)} ${help}`;
}

function parse(args: string[]) {
  const options: Record<string, ParseArgsOptionDescriptor> = { ...ownFlags };
  for (const [key, { kind, flag, short }] of flagged) {
    options[flag ?? key] = {
      type: kind === 'toggle' ? 'boolean' : 'string',
      multiple: kind === 'list' || kind === 'pairs',
      ...(short === undefined ? {} : { short }),
    };
  }
  try {
    return parseArgs({ args, options, allowPositionals: true, allowNegative: true, strict: true });
  } catch (error) {
    const message = (error as Error).message;
    const unknown = /^Unknown option '(-+[^']*)'/.exec(message)?.[1];
    throw invalid(`${unknown === undefined ? message : `unknown flag: ${unknown}`}\nSee 'tugd --help'.`, {
      cause: error,
    });
  }
}

/** `--debug=true` as `--debug`, `--debug=false` as `--no-debug`: what parseArgs understands. */
function plainToggle(argument: string): string {
  const match = /^--([\w-]+)=(true|false|1|0)$/.exec(argument);
  const [, name, value] = match ?? [];
  const isToggle = flagged.some(([key, { kind, flag }]) => kind === 'toggle' && (flag ?? key) === name);
  if (!isToggle) return argument;
  return value === 'true' || value === '1' ? `--${name}` : `--no-${name}`;
}

/** @throws invalid as Docker for what is no pair. */
function pairsOf(flag: string, value: unknown): Record<string, string> {
  const words = Array.isArray(value) ? value.map(String) : [];
  const pairs: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals < 1)
      throw invalid(`invalid argument ${JSON.stringify(word)} for "--${flag}" flag: invalid key=value pair: ${word}`);
    pairs[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return pairs;
}

function convert(flag: string, { kind, schema }: Setting, value: unknown): unknown {
  const converted = kind === 'count' ? Number(value) : kind === 'pairs' ? pairsOf(flag, value) : value;
  const checked = schema.safeParse(converted);
  if (!checked.success) {
    throw invalid(
      `invalid argument ${JSON.stringify(value)} for "--${flag}" flag: ${checked.error.issues[0]!.message}`,
    );
  }
  return checked.data;
}
