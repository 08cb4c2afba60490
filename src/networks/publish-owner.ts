import { isIPv6 } from 'node:net';
import { shortId } from '../base/ids.ts';
import { isRouted } from '../host/firewall-ports.ts';
import type { HeldPort } from '../host/port-holder.ts';
import { processAtPort } from '../host/port-process.ts';
import type { PublishedPort } from './driver-contract.ts';
import type { PortOwners } from './publish.ts';
import type { NetworkStore } from './store.ts';

/** Whom the ports of the host belong to, as far as the records tell at this moment; those `givenUp` to nobody. */
export function portOwners(store: NetworkStore, givenUp: readonly PublishedPort[] = []): PortOwners {
  let ports: PublishedPort[] | undefined;
  const recorded = (port: HeldPort): PublishedPort | undefined => {
    ports ??= store.ports().filter((one) => !isRouted(one) && !givenUp.some((other) => isSame(one, other)));
    return ports.find((one) => one.protocol === port.protocol && one.hostPort === port.hostPort && meet(one, port));
  };
  return {
    isRecorded: (port) => recorded(port) !== undefined,
    whoHas(port) {
      const published = recorded(port);
      const endpoint = published && store.endpoints().find(({ id }) => id === published.endpointId);
      const owner = endpoint && store.sandbox(endpoint.containerId);
      if (owner) return `by container ${owner.name || shortId(owner.containerId)}`;
      const process = processAtPort(port);
      return process && `by ${process.name}, process ${process.pid}`;
    },
  };
}

const isSame = (one: HeldPort, other: HeldPort): boolean =>
  one.protocol === other.protocol && one.hostIp === other.hostIp && one.hostPort === other.hostPort;

/** Whether two ports of one number cannot both be had. */
function meet({ hostIp: one }: HeldPort, { hostIp: other }: HeldPort): boolean {
  return isIPv6(one) === isIPv6(other) && (one === other || isAny(one) || isAny(other));
}

const isAny = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';
