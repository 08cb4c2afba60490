import { isIPv6 } from 'node:net';
import { fields, type SetElement } from './netlink/nftables.ts';

/** A published port. The addresses may be of different families: the relay leads from one to the other then. */
export interface FirewallPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** `0.0.0.0` or `::` for every address of the host in that family. */
  readonly hostIp: string;
  /** 0 where it is reached by the container's own address, and nothing of the host leads there. */
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
}

export const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

/** What the two families are called in the table. */
export const families = [
  { ip: 'ip', suffix: '', address: 'ipv4_addr', any: '0.0.0.0' },
  { ip: 'ip6', suffix: '6', address: 'ipv6_addr', any: '::' },
] as const;
export type Family = (typeof families)[number];

const LOOPBACK6 = '::1';

/** Whether a port is reached by the container's own address alone. */
export const isRouted = ({ hostPort }: Pick<FirewallPort, 'hostPort'>): boolean => hostPort === 0;

export const familyOf = (ip: string): Family => families[isIPv6(ip) ? 1 : 0];
export const isAnywhere = ({ hostIp }: Pick<FirewallPort, 'hostIp'>): boolean => hostIp === familyOf(hostIp).any;

/**
 * Whether the kernel leads a port's packets to the container by itself. It cannot from one family to the other, nor
 * from `::1`, which never leaves its loopback.
 */
export const isTranslated = ({ hostIp, containerIp }: FirewallPort): boolean =>
  hostIp !== LOOPBACK6 && familyOf(hostIp) === familyOf(containerIp);

/** An element of a set or map of the table, as words of nft and as bytes of netlink. */
interface Element {
  readonly set: string;
  readonly text: string;
  readonly bytes: SetElement;
}

/** Each port in its maps, and each container once in `own`. */
export function portElements(ports: readonly FirewallPort[]): Element[] {
  const led = ports.filter((port) => !isRouted(port));
  const own = [...new Set(led.filter(isTranslated).map(({ containerIp }) => containerIp))];
  return [...ports.filter(isRouted).map(routed), ...led.flatMap(elementsOf), ...own.map(ownElement)];
}

function elementsOf(port: FirewallPort): Element[] {
  const { protocol, hostPort } = port;
  const tcp = protocol === 'tcp';
  if (!isTranslated(port)) return tcp ? [relayed(port)] : [];
  const reachedByLoopback = tcp && port.hostIp === '::';
  return reachedByLoopback ? [translated(port), relayed({ hostIp: LOOPBACK6, hostPort })] : [translated(port)];
}

function routed({ protocol, containerIp, containerPort }: FirewallPort): Element {
  const set = `routed${familyOf(containerIp).suffix}`;
  const key = [fields.address(containerIp), fields.protocol(protocolNumbers[protocol]), fields.port(containerPort)];
  return { set, text: `${containerIp} . ${protocol} . ${containerPort}`, bytes: { set, key } };
}

function translated(port: FirewallPort): Element {
  const { protocol, hostIp, hostPort, containerIp, containerPort } = port;
  const { suffix } = familyOf(hostIp);
  const key = [fields.protocol(protocolNumbers[protocol]), fields.port(hostPort)];
  const data = [fields.address(containerIp), fields.port(containerPort)];
  const text = `${protocol} . ${hostPort} : ${containerIp} . ${containerPort}`;
  if (isAnywhere(port)) {
    const set = `published${suffix}`;
    return { set, text, bytes: { set, key, data } };
  }
  const set = `published_on${suffix}`;
  return { set, text: `${hostIp} . ${text}`, bytes: { set, key: [fields.address(hostIp), ...key], data } };
}

function relayed(port: Pick<FirewallPort, 'hostIp' | 'hostPort'>): Element {
  const { hostIp, hostPort } = port;
  const { suffix } = familyOf(hostIp);
  if (isAnywhere(port)) {
    const set = `relayed${suffix}`;
    return { set, text: `${hostPort}`, bytes: { set, key: [fields.port(hostPort)] } };
  }
  const set = `relayed_on${suffix}`;
  return {
    set,
    text: `${hostIp} . ${hostPort}`,
    bytes: { set, key: [fields.address(hostIp), fields.port(hostPort)] },
  };
}

function ownElement(ip: string): Element {
  const set = `own${familyOf(ip).suffix}`;
  return { set, text: `${ip} . ${ip}`, bytes: { set, key: [fields.address(ip), fields.address(ip)] } };
}
