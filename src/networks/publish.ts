import type { PortBinding } from '../api/types/container.ts';
import { conflict, errnoOf, invalid, TugError, unsupported } from '../base/errors.ts';
import { parseAddress } from '../formats/ip-address.ts';
import type { HeldPort, PortHolder, PortProtocol } from '../host/port-holder.ts';

/** A port somebody wants reachable at the host. */
export interface WantedPort {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  readonly hostIp: string;
  /** Inclusive; the first free one is taken. Undefined for any. */
  readonly hostPorts: { readonly from: number; readonly to: number } | undefined;
}

export type ClaimedPort = HeldPort & { readonly containerPort: number };

/** Where free ports are taken from: what the kernel gives to outgoing connections by default (ip(7)). */
const anyPort = { from: 32768, to: 60999 };

/**
 * What HostConfig.PortBindings and the ports of PublishAllPorts ask for.
 * @throws invalid for what is no port, unsupported for IPv6 host addresses.
 */
export function wantedPorts(
  bindings: Readonly<Record<string, readonly PortBinding[] | null>>,
  publishAll: readonly string[],
): WantedPort[] {
  const bound = Object.entries(bindings).flatMap(([port, wishes]) =>
    (wishes ?? []).map(({ HostIp, HostPort }) => ({
      ...parseContainerPort(port),
      hostIp: parseHostIp(HostIp ?? ''),
      hostPorts: parseHostPorts(HostPort ?? ''),
    })),
  );
  const all = publishAll
    .filter((port) => (bindings[port] ?? []).length === 0)
    .map((port) => ({ ...parseContainerPort(port), hostIp: '0.0.0.0', hostPorts: undefined }));
  return [...bound, ...all];
}

function parseContainerPort(text: string): { protocol: PortProtocol; containerPort: number } {
  const [port = '', protocol = 'tcp'] = text.split('/');
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') throw invalid(`invalid proto: ${protocol}`);
  return { protocol, containerPort: parsePort(port) };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw invalid(`invalid port specification: "${text}"`);
  return port;
}

function parseHostIp(text: string): string {
  if (text === '') return '0.0.0.0';
  if (text.includes(':')) {
    throw unsupported(`cannot publish on the IPv6 address ${text}: publish on an IPv4 address of this host`);
  }
  if (parseAddress(text)?.family !== 4) throw invalid(`invalid IP address: ${text}`);
  return text;
}

function parseHostPorts(text: string): WantedPort['hostPorts'] {
  if (text === '' || text === '0') return undefined;
  const [from = '', to = from] = text.split('-');
  const range = { from: parsePort(from), to: parsePort(to) };
  if (range.to < range.from) throw invalid(`invalid port specification: "${text}"`);
  return range;
}

/**
 * Holds a host port for each wish. All or none: what was taken is let go again when one fails.
 * @throws conflict (code `port-in-use`) when none of a wish's ports is free, unsupported for SCTP on a kernel
 * without it, invalid when the host has no such address.
 */
export function claimPorts(wanted: readonly WantedPort[], holder: PortHolder): ClaimedPort[] {
  const claimed: ClaimedPort[] = [];
  try {
    for (const wish of wanted) claimed.push(claimOne(wish, holder));
    return claimed;
  } catch (error) {
    for (const port of claimed) holder.drop(port);
    throw error;
  }
}

function claimOne({ protocol, containerPort, hostIp, hostPorts }: WantedPort, holder: PortHolder): ClaimedPort {
  const range = hostPorts ?? anyPort;
  for (let hostPort = range.from; hostPort <= range.to; hostPort += 1) {
    const port = { protocol, hostIp, hostPort, containerPort };
    try {
      holder.hold(port);
      return port;
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE') throw refusal(port, error);
    }
  }
  const name = range.from === range.to ? `${range.from}` : `${range.from}-${range.to}`;
  throw conflict(`Bind for ${hostIp}:${name} failed: port is already allocated`, { code: 'port-in-use' });
}

function refusal({ protocol, hostIp, hostPort }: HeldPort, cause: unknown): TugError {
  switch (errnoOf(cause)) {
    case 'EADDRNOTAVAIL':
      return invalid(`Bind for ${hostIp}:${hostPort} failed: cannot assign requested address`, { cause });
    case 'EPROTONOSUPPORT':
    case 'ESOCKTNOSUPPORT':
      return unsupported(`cannot publish ${hostPort}/${protocol}: this kernel has no ${protocol.toUpperCase()}`, {
        cause,
      });
    default:
      return new TugError('unavailable', `Bind for ${hostIp}:${hostPort} failed: ${errnoOf(cause)}`, { cause });
  }
}
