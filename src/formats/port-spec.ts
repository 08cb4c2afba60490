import { isIP } from 'node:net';
import { invalid } from '../base/errors.ts';

/** One container port and where it is to be published. */
export interface PortMapping {
  /** `80/tcp`, as the keys of the API's ExposedPorts and PortBindings. */
  readonly port: string;
  /** Empty for all addresses. */
  readonly hostIp: string;
  /** Empty for any free port, `8000-8010` for a free one of a range. */
  readonly hostPort: string;
}

/** The two fields of the API that a list of `-p` becomes. */
export interface PortConfig {
  readonly ExposedPorts: Record<string, Record<string, never>>;
  readonly PortBindings: Record<string, { HostIp: string; HostPort: string }[]>;
}

export const portProtocols = ['tcp', 'udp', 'sctp'] as const;
export type PortProtocol = (typeof portProtocols)[number];

/**
 * Parses one `-p`: `[ip:][hostPort[-hostPort]:]containerPort[-containerPort][/proto]`, IPv6 with or without
 * brackets, to one mapping per container port.
 * @throws invalid in Docker's words, such as `invalid containerPort: 70000`.
 */
export function parsePortSpec(text: string): PortMapping[] {
  const parts = text.split(':');
  const [container = '', protocol = 'tcp'] = cut(parts.at(-1) ?? '', '/');
  const hostPort = parts.at(-2) ?? '';
  const hostIp = checkedAddress(parts.slice(0, -2).join(':'));
  if (container === '') throw bad(`no port specified: ${text}<empty>`);
  const wanted = parsePortRange(container);
  if (wanted === undefined) throw bad(`invalid containerPort: ${container}`);
  const offered = hostPort === '' ? undefined : parsePortRange(hostPort);
  if (hostPort !== '' && offered === undefined) throw bad(`invalid hostPort: ${hostPort}`);
  const single = wanted.first === wanted.last;
  if (offered !== undefined && !single && wanted.last - wanted.first !== offered.last - offered.first) {
    throw bad(`invalid ranges specified for container and host Ports: ${container} and ${hostPort}`);
  }
  const proto = checkedProtocol(protocol);
  const mappings: PortMapping[] = [];
  for (let port = wanted.first; port <= wanted.last; port += 1) {
    const host = offered && (single ? formatPortRange(offered) : String(offered.first + port - wanted.first));
    mappings.push({ port: `${port}/${proto}`, hostIp, hostPort: host ?? '' });
  }
  return mappings;
}

/** Parses all `-p` of a command to the API's ExposedPorts and PortBindings. @throws as `parsePortSpec`. */
export function parsePortSpecs(texts: readonly string[]): PortConfig {
  const config: PortConfig = { ExposedPorts: {}, PortBindings: {} };
  for (const { port, hostIp, hostPort } of texts.flatMap(parsePortSpec)) {
    config.ExposedPorts[port] = {};
    config.PortBindings[port] = [...(config.PortBindings[port] ?? []), { HostIp: hostIp, HostPort: hostPort }];
  }
  return config;
}

/** Parses one `--expose` (`80`, `80-82/udp`) to keys of ExposedPorts. @throws invalid. */
export function parseExposedPorts(text: string): string[] {
  if (text.includes(':')) throw bad(`invalid port format for --expose: ${text}`);
  const [ports = '', protocol = 'tcp'] = cut(text, '/');
  const range = parsePortRange(ports);
  if (range === undefined) throw bad(`invalid range format for --expose: ${text}`);
  const proto = checkedProtocol(protocol);
  return Array.from({ length: range.last - range.first + 1 }, (_, index) => `${range.first + index}/${proto}`);
}

/** Parses a key of ExposedPorts or PortBindings: `80/tcp`, `80`. @throws invalid `invalid port specification: "x"`. */
export function parsePort(text: string): { port: number; protocol: PortProtocol } {
  const [number = '', protocol = 'tcp'] = cut(text, '/');
  const range = parsePortRange(number);
  if (range === undefined || range.first !== range.last) throw bad(`invalid port specification: "${text}"`);
  return { port: range.first, protocol: checkedProtocol(protocol) };
}

/** Parses `80` or `80-90`; undefined for what is no port range between 0 and 65535. */
export function parsePortRange(text: string): { first: number; last: number } | undefined {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65535 ? { first, last } : undefined;
}

/** A mapping back in the notation of `-p`, with brackets around IPv6. */
export function formatPortSpec({ port, hostIp, hostPort }: PortMapping): string {
  const address = hostIp.includes(':') ? `[${hostIp}]` : hostIp;
  if (address !== '') return `${address}:${hostPort}:${port}`;
  return hostPort === '' ? port : `${hostPort}:${port}`;
}

function formatPortRange({ first, last }: { first: number; last: number }): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function checkedAddress(text: string): string {
  const bracketed = /^\[([^\]]*)\]$/.exec(text);
  if (text.startsWith('[') && bracketed === null) throw bad(`invalid IP address ${text}: missing ']' in address`);
  const address = bracketed?.[1] ?? text;
  if (address !== '' && (isIP(address) === 0 || address.includes('%'))) throw bad(`invalid IP address: ${address}`);
  return address;
}

function checkedProtocol(text: string): PortProtocol {
  const lower = text === '' ? 'tcp' : text.toLowerCase();
  const known = portProtocols.find((protocol) => protocol === lower);
  if (known === undefined) throw bad(`invalid proto: ${text}`);
  return known;
}

function cut(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function bad(message: string) {
  return invalid(message, { code: 'invalid-port' });
}
