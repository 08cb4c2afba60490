import { isIPv6 } from 'node:net';
import type { PortBinding } from '../api/types/container.ts';
import { conflict, errnoOf, invalid, TugError, unsupported } from '../base/errors.ts';
import { formatAddress, parseAddress } from '../formats/ip-address.ts';
import type { HeldPort, PortHolder, PortProtocol } from '../host/port-holder.ts';

/** A port somebody wants reachable at the host. */
export interface WantedPort {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  /** It gets the same number on each. */
  readonly hostIps: readonly string[];
  /** Inclusive; the first free one is taken. Undefined for any. */
  readonly hostPorts: { readonly from: number; readonly to: number } | undefined;
}

export type ClaimedPort = HeldPort & { readonly containerPort: number };

/** What is known of ports besides who holds them. */
export interface PortOwners {
  /** Whether a container has it, even where another process took it while no engine ran, so that it is not held. */
  isRecorded(port: HeldPort): boolean;
  /** Who uses a port that cannot be had, where that can be told. */
  whoHas(port: HeldPort): string | undefined;
}

/** Where free ports are taken from: what the kernel gives to outgoing connections by default (ip(7)). */
const anyPort = { from: 32768, to: 60999 };

/**
 * What HostConfig.PortBindings and the ports of PublishAllPorts ask for; `defaults` are the host's addresses that
 * are meant where none is said.
 * @throws invalid for what is no port or no address.
 */
export function wantedPorts(
  bindings: Readonly<Record<string, readonly PortBinding[] | null>>,
  publishAll: readonly string[],
  defaults: readonly string[],
): WantedPort[] {
  const bound = Object.entries(bindings).flatMap(([port, wishes]) =>
    (wishes ?? []).map(({ HostIp, HostPort }) => ({
      ...parseContainerPort(port),
      hostIps: HostIp ? [parseHostIp(HostIp)] : defaults,
      hostPorts: parseHostPorts(HostPort ?? ''),
    })),
  );
  const all = publishAll
    .filter((port) => (bindings[port] ?? []).length === 0)
    .map((port) => ({ ...parseContainerPort(port), hostIps: defaults, hostPorts: undefined }));
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

/** An IPv4 address that is written as IPv6 means that address. */
function parseHostIp(text: string): string {
  const address = parseAddress(text);
  if (!address) throw invalid(`invalid IP address: ${text}`);
  const mapped = address.family === 6 && address.value >> 32n === 0xffffn;
  return formatAddress(mapped ? { family: 4, value: address.value & 0xffffffffn } : address);
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
export function claimPorts(
  wanted: readonly WantedPort[],
  holder: PortHolder,
  others: PortOwners = { isRecorded: () => false, whoHas: () => undefined },
): ClaimedPort[] {
  const claimed: ClaimedPort[] = [];
  try {
    for (const wish of wanted) claimed.push(...claimOne(wish, holder, others));
    return claimed;
  } catch (error) {
    for (const port of claimed) holder.drop(port);
    throw error;
  }
}

function claimOne(wish: WantedPort, holder: PortHolder, { isRecorded, whoHas }: PortOwners): ClaimedPort[] {
  const { protocol, containerPort, hostIps, hostPorts } = wish;
  const range = hostPorts ?? anyPort;
  let taken: HeldPort | undefined;
  for (let hostPort = range.from; hostPort <= range.to; hostPort += 1) {
    const ports = hostIps.map((hostIp) => ({ protocol, hostIp, hostPort, containerPort }));
    const blocked = ports.find((port) => holder.holds(port) || isRecorded(port)) ?? firstNotHeld(ports, holder);
    if (!blocked) return ports;
    taken ??= blocked;
  }
  const name = range.from === range.to ? `${range.from}` : `${range.from}-${range.to}`;
  const owner = taken && range.from === range.to ? whoHas(taken) : undefined;
  const where = `Bind for ${addressText(taken?.hostIp ?? '')}:${name} failed`;
  throw conflict(`${where}: port is already allocated${owner ? ` (${owner})` : ''}`, { code: 'port-in-use' });
}

/** Holds all, or none and returns the first that somebody else has. @throws as `refusal`. */
function firstNotHeld(ports: readonly ClaimedPort[], holder: PortHolder): ClaimedPort | undefined {
  const held: ClaimedPort[] = [];
  for (const port of ports) {
    try {
      holder.hold(port);
      held.push(port);
    } catch (error) {
      for (const one of held) holder.drop(one);
      if (errnoOf(error) !== 'EADDRINUSE') throw refusal(port, error);
      return port;
    }
  }
  return undefined;
}

const addressText = (ip: string): string => (isIPv6(ip) ? `[${ip}]` : ip);

function refusal({ protocol, hostIp, hostPort }: HeldPort, cause: unknown): TugError {
  switch (errnoOf(cause)) {
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL': // a link-local address, which means nothing without a link
      return invalid(`Bind for ${addressText(hostIp)}:${hostPort} failed: cannot assign requested address`, { cause });
    case 'EPROTONOSUPPORT':
    case 'ESOCKTNOSUPPORT':
      return unsupported(`cannot publish ${hostPort}/${protocol}: this kernel has no ${protocol.toUpperCase()}`, {
        cause,
      });
    default:
      return new TugError('unavailable', `Bind for ${addressText(hostIp)}:${hostPort} failed: ${errnoOf(cause)}`, {
        cause,
      });
  }
}
