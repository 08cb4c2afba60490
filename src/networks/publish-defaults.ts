import { isIPv6 } from 'node:net';
import { hasIpv6 } from '../host/ipv6-here.ts';
import type { Joined } from './joining.ts';

/** How ports are published, from the configuration. */
export interface PublishSettings {
  /** Whether the engine carries by itself what the kernel cannot translate (Docker's `userland-proxy`). */
  readonly relay: boolean;
  /** The host's address of ports that are published without one; undefined for all addresses of both families. */
  readonly address?: string | undefined;
  /**
   * `nat`: the kernel leads ports to containers. `proxy`: the engine accepts what comes in, as any program of the
   * host would, so that the host's own rules for what comes in hold for it.
   */
  readonly mode?: 'nat' | 'proxy';
  /** Whether the engine may make rules for IPv6; without, it accepts what comes in by IPv6 itself. */
  readonly ipv6Rules?: boolean;
}

/** Whether the engine accepts what comes in at a port by itself. */
export const isAccepted = ({ mode, ipv6Rules = true }: PublishSettings, hostIp: string): boolean =>
  mode === 'proxy' || (!ipv6Rules && isIPv6(hostIp));

/** The host's addresses that a port of an endpoint is published on where none is asked for. */
export function defaultHostIps({ relay, address }: PublishSettings, { network, endpoint }: Joined): string[] {
  const chosen = network.options['hostBinding'] || address;
  if (chosen) return [chosen];
  const { ip, ipv6 } = endpoint;
  return [...(ip || relay ? ['0.0.0.0'] : []), ...((ipv6 || relay) && hasIpv6() ? ['::'] : [])];
}
