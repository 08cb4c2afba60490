import type { ServiceModel } from '../formats/compose-file/model.ts';
import type { Instance } from './observe.ts';

const namespaces = ['network_mode', 'ipc', 'pid'] as const;
const prefix = 'service:';

/** The services whose namespaces or volumes a service's containers have: with those they are made anew. */
export function sharedServices(service: ServiceModel): string[] {
  const modes = namespaces.flatMap((key) => {
    const mode = service[key];
    return mode?.startsWith(prefix) ? [mode.slice(prefix.length)] : [];
  });
  const volumes = (service.volumes_from ?? []).filter((text) => !text.startsWith('container:'));
  return [...new Set([...modes, ...volumes.map((text) => text.split(':')[0] ?? '')])];
}

/** The container of a service that others share with: the one with the lowest number. */
export const firstOf = (instances: readonly Instance[], service: string): Instance | undefined =>
  instances
    .filter((one) => one.service === service && !one.oneOff)
    .toSorted((left, right) => left.number - right.number)[0];

/**
 * A service with the containers that it shares with in place of the services' names, as Docker Compose hashes it.
 * Names of services without containers stay.
 */
export function withContainers(service: ServiceModel, instances: readonly Instance[]): ServiceModel {
  if (sharedServices(service).length === 0 && !service.volumes_from) return service;
  const modes = namespaces.flatMap((key) => {
    const name = service[key]?.startsWith(prefix) ? service[key].slice(prefix.length) : '';
    const found = firstOf(instances, name);
    return found ? [[key, `container:${found.id}`] as const] : [];
  });
  const volumes = service.volumes_from?.map((text) => {
    const [name = '', container = ''] = text.split(':');
    return name === 'container' && instances.length > 0 ? container : (firstOf(instances, name)?.id ?? text);
  });
  return { ...service, ...Object.fromEntries(modes), ...(volumes ? { volumes_from: volumes } : {}) };
}
