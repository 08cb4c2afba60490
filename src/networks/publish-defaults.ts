import { hasIpv6 } from '../host/ipv6-here.ts';
import type { Joined } from './joining.ts';

/** How ports are published, from the configuration. */
export interface PublishSettings {
  /** Whether the engine carries by itself what the kernel cannot translate (Docker's `userland-proxy`). */
  readonly relay: boolean;
  /** The host's address of ports that are published without one; undefined for all addresses of both families. */
  readonly address?: string | undefined;
}

/** The host's addresses that a port of an endpoint is published on where none is asked for. */
export function defaultHostIps({ relay, address }: PublishSettings, { network, endpoint }: Joined): string[] {
  const chosen = network.options['hostBinding'] || address;
  if (chosen) return [chosen];
  const { ip, ipv6 } = endpoint;
  return [...(ip || relay ? ['0.0.0.0'] : []), ...((ipv6 || relay) && hasIpv6() ? ['::'] : [])];
}
