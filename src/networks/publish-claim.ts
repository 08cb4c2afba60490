import { isIPv6 } from 'node:net';
import { unsupported } from '../base/errors.ts';
import type { NetworkContext } from './context.ts';
import type { SandboxRequest } from './contract.ts';
import type { PublishedPort } from './driver-contract.ts';
import { gatewayEndpoint, type Joined } from './joining.ts';
import { type ClaimedPort, claimPorts, type WantedPort, wantedPorts } from './publish.ts';
import { defaultHostIps, isAccepted, type PublishSettings } from './publish-defaults.ts';
import { portOwners } from './publish-owner.ts';

export type PublishWishes = Pick<SandboxRequest, 'ports' | 'publishAll'>;

/**
 * Holds host ports for what a container wants published, to lead to one of its endpoints; those `givenUp` by it, which
 * are recorded still, may be among them. @throws as `wantedPorts`, `claimPorts`.
 */
export function claimFor(
  { publishing, holder, store }: NetworkContext,
  joined: Joined,
  { ports, publishAll }: PublishWishes,
  givenUp: readonly PublishedPort[] = [],
): PublishedPort[] {
  if (Object.keys(ports).length + publishAll.length === 0) return []; // most have none, and the host is not asked for them
  const all = wantedPorts(ports, publishAll, defaultHostIps(publishing, joined));
  const wanted = all.map((wish) => (wish.protocol === 'sctp' ? ledByKernel(wish, publishing, joined) : wish));
  const led = wanted
    .map((wish) => ({ ...wish, hostIps: wish.hostIps.filter((ip) => !isRoutedBy(joined, ip)) }))
    .filter(({ hostIps }) => hostIps.length > 0);
  const claimed = claimPorts(led, holder, portOwners(store, givenUp));
  return [...routedPorts(wanted, joined), ...placePorts(claimed, joined)];
}

/**
 * SCTP is led by the kernel or not at all: it is published on those addresses from which the kernel leads it.
 * @throws unsupported where there is none.
 */
function ledByKernel(wish: WantedPort, publishing: PublishSettings, joined: Joined): WantedPort {
  const { ip, ipv6 } = joined.endpoint;
  const leads = (hostIp: string): boolean =>
    !isAccepted(publishing, hostIp) && hostIp !== '::1' && (isIPv6(hostIp) ? ipv6 : ip) !== '';
  const hostIps = wish.hostIps.filter((hostIp) => isRoutedBy(joined, hostIp) || leads(hostIp));
  if (hostIps.length > 0) return { ...wish, hostIps };
  throw unsupported(
    `cannot publish ${wish.containerPort}/sctp on ${wish.hostIps.join(', ')}: the kernel leads SCTP from addresses of the container's own family alone, and not with publish-mode "proxy", which carries TCP and UDP`,
  );
}

/** Whether what would be published on an address of the host is reached by the container's own instead. */
function isRoutedBy({ network: { options }, endpoint }: Joined, hostIp: string): boolean {
  const six = isIPv6(hostIp) ? endpoint.ipv6 !== '' : endpoint.ip === '';
  return options[six ? 'gatewayMode6' : 'gatewayMode4'] === 'routed';
}

/** The ports that are opened at the container's own addresses, each once. */
function routedPorts(wanted: readonly WantedPort[], joined: Joined): PublishedPort[] {
  const { id: endpointId, ip, ipv6 } = joined.endpoint;
  const ports = wanted.flatMap(({ protocol, containerPort, hostIps }) =>
    hostIps
      .filter((hostIp) => isRoutedBy(joined, hostIp))
      .map((hostIp) => (isIPv6(hostIp) ? { hostIp: '::', containerIp: ipv6 } : { hostIp: '0.0.0.0', containerIp: ip }))
      .filter(({ containerIp }) => containerIp !== '')
      .map((place) => ({ endpointId, protocol, containerPort, hostPort: 0, ...place })),
  );
  return [...new Map(ports.map((port) => [JSON.stringify(port), port])).values()];
}

/** The endpoint by which a container's ports are reached: none where the way out is by a network that publishes nothing. */
export function wayIn({ host }: Pick<NetworkContext, 'host'>, joined: readonly Joined[]): Joined | undefined {
  const gateway = gatewayEndpoint(joined);
  return gateway && host.publishes(gateway.network) ? gateway : undefined;
}

/** Host ports that lead to an endpoint: in their own family where it has an address of that. */
export const placePorts = (claimed: readonly ClaimedPort[], { endpoint }: Joined): PublishedPort[] =>
  claimed.map((port) => {
    const [same, other] = isIPv6(port.hostIp) ? [endpoint.ipv6, endpoint.ip] : [endpoint.ip, endpoint.ipv6];
    return { ...port, endpointId: endpoint.id, containerIp: same || other };
  });
