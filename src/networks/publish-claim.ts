import { isIPv6 } from 'node:net';
import type { NetworkContext } from './context.ts';
import type { SandboxRequest } from './contract.ts';
import type { PublishedPort } from './driver-contract.ts';
import { gatewayEndpoint, type Joined } from './joining.ts';
import { type ClaimedPort, claimPorts, wantedPorts } from './publish.ts';
import { defaultHostIps } from './publish-defaults.ts';
import { whoHasPort } from './publish-owner.ts';

export type PublishWishes = Pick<SandboxRequest, 'ports' | 'publishAll'>;

/** Holds host ports for what a container wants published, to lead to one of its endpoints. @throws as `wantedPorts`, `claimPorts`. */
export function claimFor(
  { publishing, holder, store }: NetworkContext,
  joined: Joined,
  { ports, publishAll }: PublishWishes,
): PublishedPort[] {
  const wanted = wantedPorts(ports, publishAll, defaultHostIps(publishing, joined));
  return placePorts(
    claimPorts(wanted, holder, (port) => whoHasPort(port, store)),
    joined,
  );
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
