import { shortId } from '../base/ids.ts';
import type { HeldPort } from '../host/port-holder.ts';
import { processAtPort } from '../host/port-process.ts';
import type { NetworkStore } from './store.ts';

/** Who has a port of the host: a container of this engine or a process, as words; undefined when it cannot be told. */
export function whoHasPort(port: HeldPort, store: NetworkStore): string | undefined {
  const meets = (ip: string): boolean => ip === port.hostIp || isAny(ip) || isAny(port.hostIp);
  const published = store
    .ports()
    .find((one) => one.protocol === port.protocol && one.hostPort === port.hostPort && meets(one.hostIp));
  const endpoint = published && store.endpoints().find(({ id }) => id === published.endpointId);
  const owner = endpoint && store.sandbox(endpoint.containerId);
  if (owner) return `by container ${owner.name || shortId(owner.containerId)}`;
  const process = processAtPort(port);
  return process && `by ${process.name}, process ${process.pid}`;
}

const isAny = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';
