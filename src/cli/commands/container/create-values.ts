import { isIP } from 'node:net';
import type { HostConfig } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { parseBytes } from '../../../formats/bytes.ts';
import { cutKeyValue } from '../../../formats/key-value.ts';
import { parseInteger } from '../../flags.ts';

type Ulimit = NonNullable<HostConfig['Ulimits']>[number];
type Device = NonNullable<HostConfig['Devices']>[number];

/** `NAME:IP` or `NAME=IP`, also with `host-gateway`; as the API wants it, `NAME:IP`. @throws invalid. */
export function parseAddHost(text: string): string {
  const cut = /^([^=:]+)[=:](.+)$/.exec(text);
  const [name, address] = [cut?.[1], cut?.[2]];
  if (name === undefined || address === undefined) throw invalid(`bad format for add-host: "${text}"`);
  const bare = address.replace(/^\[(.*)\]$/, '$1');
  if (bare !== 'host-gateway' && isIP(bare) === 0) throw invalid(`invalid IP address in add-host: "${address}"`);
  return `${name}:${bare}`;
}

export function parseIpAddress(text: string): string {
  if (isIP(text.trim()) === 0) throw invalid(`IP address is not correctly formatted: ${text}`);
  return text.trim();
}

export function parseAttachStream(text: string): 'stdin' | 'stdout' | 'stderr' {
  const lower = text.toLowerCase();
  if (lower === 'stdin' || lower === 'stdout' || lower === 'stderr') return lower;
  throw invalid('valid streams are STDIN, STDOUT and STDERR');
}

/** `NAME[:started|healthy]`. @throws invalid. */
export function parseDependency(text: string): NonNullable<HostConfig['DependsOn']>[number] {
  const [Container = '', Condition = 'started', ...rest] = text.split(':');
  if (Container === '' || rest.length > 0 || (Condition !== 'started' && Condition !== 'healthy'))
    throw invalid(`bad format for depends-on: "${text}", it is NAME or NAME:healthy`);
  return { Container, Condition };
}

/** `NAME[:ALIAS]`. @throws invalid. */
export function parseLinkOption(text: string): string {
  const parts = text.split(':');
  if (text === '' || parts.length > 2) throw invalid(`bad format for links: ${text}`);
  return text;
}

export function parseSysctl(text: string): [name: string, value: string] {
  const { key, value } = cutKeyValue(text);
  if (key === '' || value === undefined) throw invalid(`sysctl '${text}' is not allowed`);
  return [key, value];
}

/** `PATH[:OPTIONS]`. */
export function parseTmpfs(text: string): [path: string, options: string] {
  const colon = text.indexOf(':');
  const path = colon < 0 ? text : text.slice(0, colon);
  if (path === '') throw invalid('invalid tmpfs: the path is empty');
  return [path, colon < 0 ? '' : text.slice(colon + 1)];
}

/** CPUs as a decimal or a fraction, in billionths. @throws invalid. */
export function parseCpus(text: string): number {
  const match = /^([+-]?\d*\.?\d*(?:[eE][+-]?\d+)?)(?:\/(\d+))?$/.exec(text);
  const value = match?.[1] && /\d/.test(match[1]) ? Number(match[1]) / Number(match[2] ?? 1) : Number.NaN;
  if (!Number.isFinite(value)) throw invalid(`failed to parse ${text} as a rational number`);
  const nano = value * 1e9;
  if (Math.abs(nano - Math.round(nano)) > 1e-3) throw invalid('value is too precise');
  return Math.round(nano);
}

const ulimitNames = [
  ...['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio'],
  ...['rttime', 'sigpending', 'stack'],
];

/** `NAME=SOFT[:HARD]`; -1 is no limit. @throws invalid. */
export function parseUlimit(text: string): Ulimit {
  const { key: name, value } = cutKeyValue(text);
  if (value === undefined) throw invalid(`invalid ulimit argument: ${text}`);
  if (!ulimitNames.includes(name)) throw invalid(`invalid ulimit type: ${name}`);
  const limits = value.split(':');
  if (limits.length > 2)
    throw invalid(`too many limit value arguments - ${value}, can only have up to two, \`soft[:hard]\``);
  const soft = parseInteger(limits[0] ?? '');
  const hard = limits[1] === undefined ? soft : parseInteger(limits[1]);
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { Name: name, Soft: soft, Hard: hard };
}

/** `PATH[:PATH-IN-CONTAINER][:PERMISSIONS]`. @throws invalid. */
export function parseDevice(text: string): Device {
  const [source = '', second, third, ...more] = text.split(':');
  const isMode = (mode: string) => /^[rwm]{1,3}$/.test(mode) && new Set(mode).size === mode.length;
  if (source === '' || more.length > 0) throw invalid(`invalid device specification: ${text}`);
  const secondIsMode = second !== undefined && third === undefined && isMode(second);
  const permissions = third ?? (secondIsMode ? second : 'rwm');
  if (!isMode(permissions)) throw invalid(`invalid device specification: ${text}`);
  return {
    PathOnHost: source,
    PathInContainer: secondIsMode || second === undefined || second === '' ? source : second,
    CgroupPermissions: permissions,
  };
}

/** `PATH:WEIGHT`, 10 to 1000 or 0. @throws invalid. */
export function parseWeightDevice(text: string): { Path: string; Weight: number } {
  const [path, number] = devicePath(text);
  const weight = /^\d+$/.test(number) ? Number(number) : Number.NaN;
  if (!(weight === 0 || (weight >= 10 && weight <= 1000))) throw invalid(`invalid weight for device: ${text}`);
  return { Path: path, Weight: weight };
}

/** `PATH:RATE`; a rate in bytes may have a unit. @throws invalid. */
export function parseRateDevice(text: string, unit: 'bytes' | 'operations'): { Path: string; Rate: number } {
  const [path, number] = devicePath(text);
  if (unit === 'operations') {
    if (!/^\d+$/.test(number))
      throw invalid(
        `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
      );
    return { Path: path, Rate: Number(number) };
  }
  try {
    return { Path: path, Rate: parseBytes(number) };
  } catch {
    throw invalid(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. ` +
        'Number must be a positive integer. Unit is optional and can be kb, mb, or gb',
    );
  }
}

function devicePath(text: string): [path: string, rest: string] {
  const colon = text.indexOf(':');
  if (colon <= 0 || colon === text.length - 1) throw invalid(`bad format: ${text}`);
  const path = text.slice(0, colon);
  if (!path.startsWith('/dev/')) throw invalid(`bad format for device path: ${text}`);
  return [path, text.slice(colon + 1)];
}
