import type { ImageRunConfig } from '../api/oci/image.ts';
import { invalid } from '../base/errors.ts';
import { parseDuration } from '../formats/duration.ts';
import { jsonWords, parsePairs, splitWords } from './change-words.ts';

type Change = (config: ImageRunConfig, rest: string) => ImageRunConfig;

/** The Dockerfile instructions that `--change` takes. */
const instructions: Readonly<Record<string, Change>> = {
  CMD: (config, rest) => ({ ...config, Cmd: commandOf(rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: commandOf(rest) }),
  ENV: (config, rest) => ({ ...config, Env: mergeEnv(config.Env ?? [], parsePairs(expand(config, rest), 'ENV')) }),
  LABEL: (config, rest) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(parsePairs(expand(config, rest), 'LABEL')) },
  }),
  EXPOSE: (config, rest) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...portsOf(expand(config, rest)) } }),
  VOLUME: (config, rest) => ({ ...config, Volumes: { ...config.Volumes, ...volumesOf(expand(config, rest)) } }),
  USER: (config, rest) => ({ ...config, User: oneWord('USER', expand(config, rest)) }),
  WORKDIR: (config, rest) => ({ ...config, WorkingDir: workingDir(config.WorkingDir, expand(config, rest)) }),
  STOPSIGNAL: (config, rest) => ({ ...config, StopSignal: oneWord('STOPSIGNAL', expand(config, rest)) }),
  ONBUILD: (config, rest) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), trigger(rest)] }),
  HEALTHCHECK: (config, rest) => ({ ...config, Healthcheck: healthcheckOf(rest) }),
};

/**
 * Applies the instructions of `--change` to a container configuration, in order. Returns a new one.
 * @throws invalid for an instruction that is unknown, not allowed here, or malformed.
 */
export function applyChanges(config: ImageRunConfig, changes: readonly string[]): ImageRunConfig {
  let result = config;
  let hasOwnCommand = false;
  for (const line of changes.flatMap((change) => change.split(/(?<!\\)\r?\n/))) {
    const text = line.replace(/\\\r?\n/g, '').trim();
    if (text === '' || text.startsWith('#')) continue;
    const [word = ''] = text.split(/\s/, 1);
    const rest = text.slice(word.length).trim();
    const change = instructions[word.toUpperCase()];
    if (!change) throw invalid(`${word.toLowerCase()} is not a valid change command`, { code: 'bad-change' });
    if (rest === '') throw invalid(`${word.toUpperCase()} requires at least one argument`, { code: 'bad-change' });
    result = change(result, rest);
    // The command was the argument of the entrypoint before, and makes no sense to another one.
    if (/^cmd$/i.test(word)) hasOwnCommand = true;
    else if (/^entrypoint$/i.test(word) && !hasOwnCommand) {
      const { Cmd: _before, ...others } = result;
      result = others;
    }
  }
  return result;
}

/** JSON form is run as it stands, the rest by a shell. */
function commandOf(rest: string): string[] {
  return jsonWords(rest) ?? ['/bin/sh', '-c', rest];
}

function mergeEnv(before: readonly string[], pairs: readonly [string, string][]): string[] {
  const merged = [...before];
  for (const [name, value] of pairs) {
    const at = merged.findIndex((entry) => entry.startsWith(`${name}=`));
    if (at < 0) merged.push(`${name}=${value}`);
    else merged[at] = `${name}=${value}`;
  }
  return merged;
}

function portsOf(rest: string): Record<string, Record<string, never>> {
  const ports: Record<string, Record<string, never>> = {};
  for (const word of splitWords(rest)) {
    const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (!match || last < first || last > 65535) throw invalid(`invalid containerPort: ${word}`, { code: 'bad-change' });
    for (let port = first; port <= last; port += 1) ports[`${port}/${(match[3] ?? 'tcp').toLowerCase()}`] = {};
  }
  return ports;
}

function volumesOf(rest: string): Record<string, Record<string, never>> {
  const paths = jsonWords(rest) ?? splitWords(rest);
  if (paths.some((path) => path.trim() === '')) {
    throw invalid('VOLUME specified can not be an empty string', { code: 'bad-change' });
  }
  return Object.fromEntries(paths.map((path) => [path, {}]));
}

function oneWord(instruction: string, rest: string): string {
  const [word, another] = splitWords(rest);
  if (word !== undefined && another === undefined) return word;
  throw invalid(`${instruction} requires exactly one argument`, { code: 'bad-change' });
}

function workingDir(before: string | undefined, rest: string): string {
  const path = rest.startsWith('/') ? rest : `${before || '/'}/${rest}`;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function trigger(rest: string): string {
  const [word = ''] = rest.split(/\s/, 1);
  if (/^onbuild$/i.test(word))
    throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", { code: 'bad-change' });
  if (/^(maintainer|from)$/i.test(word)) {
    throw invalid(`${word.toUpperCase()} isn't allowed as an ONBUILD trigger`, { code: 'bad-change' });
  }
  return rest;
}

const healthOptions = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const;

function healthcheckOf(text: string): NonNullable<ImageRunConfig['Healthcheck']> {
  const check: NonNullable<ImageRunConfig['Healthcheck']> = {};
  let rest = text;
  for (let option = /^--([a-z-]+)=(\S+)\s*/.exec(rest); option; option = /^--([a-z-]+)=(\S+)\s*/.exec(rest)) {
    const [whole, name = '', value = ''] = option;
    rest = rest.slice(whole.length);
    if (name === 'retries' && /^\d+$/.test(value)) check.Retries = Number(value);
    else if (name in healthOptions)
      check[healthOptions[name as keyof typeof healthOptions]] = Number(parseDuration(value));
    else throw invalid(`HEALTHCHECK: unknown or malformed flag --${name}=${value}`, { code: 'bad-change' });
  }
  const [kind = ''] = rest.split(/\s/, 1);
  const command = rest.slice(kind.length).trim();
  if (/^none$/i.test(kind) && command === '') return { Test: ['NONE'] };
  if (!/^cmd$/i.test(kind)) {
    throw invalid(`Unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`, { code: 'bad-change' });
  }
  if (command === '') throw invalid('Missing command after HEALTHCHECK CMD', { code: 'bad-change' });
  const words = jsonWords(command);
  return { ...check, Test: words ? ['CMD', ...words] : ['CMD-SHELL', command] };
}

/** Replaces `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` by what the configuration's Env says; not in single quotes. */
function expand(config: ImageRunConfig, text: string): string {
  const env = new Map(
    (config.Env ?? []).map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]),
  );
  const variable = /'[^']*'|\\.|\$(?:(\w+)|\{(\w+)(?::([-+])((?:\\.|[^}\\])*))?\})/gs;
  return text.replace(variable, (whole, plain?: string, braced?: string, operator?: string, word = '') => {
    const name = plain ?? braced;
    if (name === undefined) return whole;
    const value = env.get(name) ?? '';
    if (operator === '-') return value === '' ? word : value;
    if (operator === '+') return value === '' ? '' : word;
    return value;
  });
}
