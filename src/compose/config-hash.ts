import { createHash } from 'node:crypto';
import type { NetworkModel, ServiceModel, VolumeModel } from '../formats/compose-file/model.ts';

/** What of a service can change without its containers having to be made anew. */
const ignored = ['build', 'pull_policy', 'depends_on', 'profiles', 'scale', 'develop', 'attach', 'extends', 'env_file'];

/** What the label `com.docker.compose.config-hash` of a container says: SHA-256 of its service's long form. */
export function serviceHash(service: ServiceModel): string {
  const counted: Record<string, unknown> = Object.fromEntries(
    Object.entries(service).filter(([key, value]) => !ignored.includes(key) && value !== undefined),
  );
  if (service.deploy) {
    const { replicas: _, update_config: __, rollback_config: ___, placement: ____, ...deploy } = service.deploy;
    counted['deploy'] = deploy;
  }
  return digest(counted);
}

export const networkHash = (network: NetworkModel): string => digest(network);
export const volumeHash = (volume: VolumeModel): string => digest(volume);

const digest = (value: unknown): string => createHash('sha256').update(stableJson(value)).digest('hex');

/** JSON that is the same for the same content, whatever the order of keys. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).toSorted(([left], [right]) => (left < right ? -1 : 1)));
  });
}
