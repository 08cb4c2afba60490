import type { ServiceModel } from '../formats/compose-file/model.ts';
import { stableJson } from './config-hash.ts';

/** The labels by which Docker Compose, and tug, know a project's objects. */
export const labelNames = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
  hash: 'com.docker.compose.config-hash',
  image: 'com.docker.compose.image',
  dependsOn: 'com.docker.compose.depends_on',
  workingDir: 'com.docker.compose.project.working_dir',
  configFiles: 'com.docker.compose.project.config_files',
  envFiles: 'com.docker.compose.project.environment_file',
  replace: 'com.docker.compose.replace',
  slug: 'com.docker.compose.slug',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
  version: 'com.docker.compose.version',
} as const;

/** The version of Docker Compose whose labels these are. */
export const composeVersion = '2.39.0';

/** `db:service_healthy:false,cache:service_started:false`, sorted by name. */
export function dependsOnLabel(service: ServiceModel): string {
  return Object.entries(service.depends_on ?? {})
    .map(([name, { condition, restart }]) => `${name}:${condition}:${restart ?? false}`)
    .toSorted()
    .join(',');
}

/** What `dependsOnLabel` wrote: names, with whether a restart of one is one of this too. */
export const readDependsOn = (label: string | undefined): readonly { name: string; restart: boolean }[] =>
  (label ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', , restart] = part.split(':');
      return { name, restart: restart === 'true' };
    });

/** Whether two label maps, or other plain data, say the same. */
export const same = (left: unknown, right: unknown): boolean => stableJson(left) === stableJson(right);
