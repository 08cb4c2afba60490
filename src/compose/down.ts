import { isKind } from '../base/errors.ts';
import { remove as removeImage } from '../client/calls/images.ts';
import type { Project } from '../formats/compose-file/model.ts';
import { imageOf } from './container-request.ts';
import { removeInstance } from './converge.ts';
import { type ComposeDeps, during } from './deps.ts';
import { forEachLimited, inOrder, reversed } from './graph.ts';
import { labelNames, readDependsOn } from './labels.ts';
import { type Instance, observeProject } from './observe.ts';
import { projectNetworks, removeNetwork } from './project-networks.ts';
import { projectVolumes, removeVolume } from './project-volumes.ts';

export interface DownOptions {
  /** Only these services, where there are any. */
  readonly services: readonly string[];
  readonly volumes: boolean;
  readonly images: 'all' | 'local' | undefined;
  readonly removeOrphans: boolean;
  readonly timeout: number | undefined;
}

/**
 * Takes a project away: its containers, those that depend on others first, then its networks, and what was asked for
 * besides. @param project undefined when its files are not at hand: what carries its labels is what goes then.
 */
export async function down(
  deps: ComposeDeps,
  name: string,
  project: Project | undefined,
  options: DownOptions,
): Promise<void> {
  const all = await observeProject(deps.engine, name);
  const wanted = all.filter((instance) => isWanted(instance, project, options));
  const world = { project: project ?? emptyProject(name), instances: [...all], timeout: options.timeout };
  const services = [...new Set(wanted.map(({ service }) => service))];
  await inOrder(
    services,
    reversed(services, (service) => dependenciesOf(wanted, service)),
    (service) =>
      forEachLimited(
        wanted.filter((instance) => instance.service === service),
        (instance) => removeInstance(deps, world, instance, { volumes: options.volumes }),
        { limit: deps.parallel },
      ),
    { limit: deps.parallel, signal: deps.signal },
  );
  if (options.services.length > 0) return;
  if (!options.removeOrphans && project) tellOfOrphans(deps, all, wanted);
  await removeNetworks(deps, name, project);
  if (options.volumes) await removeVolumes(deps, name, project);
  if (options.images && project) await removeImages(deps, project, options.images);
}

function isWanted(instance: Instance, project: Project | undefined, options: DownOptions): boolean {
  if (options.services.length > 0) return options.services.includes(instance.service);
  return !project || options.removeOrphans || instance.oneOff || instance.service in project.services;
}

const emptyProject = (name: string): Project => ({
  name,
  services: {},
  networks: {},
  volumes: {},
  configs: {},
  secrets: {},
  others: {},
});

/** What a service needs, as its containers' labels tell. */
export function dependenciesOf(instances: readonly Instance[], service: string): string[] {
  const own = instances.filter((instance) => instance.service === service);
  return [...new Set(own.flatMap(({ labels }) => readDependsOn(labels[labelNames.dependsOn]).map(({ name }) => name)))];
}

function tellOfOrphans(deps: ComposeDeps, all: readonly Instance[], wanted: readonly Instance[]): void {
  const left = all.filter((instance) => !wanted.includes(instance));
  if (left.length > 0)
    deps.warn(
      `Found orphan containers ([${left.map(({ name }) => name).join(' ')}]) for this project. You can run this command with the --remove-orphans flag to clean it up.`,
    );
}

async function removeNetworks(deps: ComposeDeps, name: string, project: Project | undefined): Promise<void> {
  const external = new Set(Object.values(project?.networks ?? {}).flatMap((one) => (one.external ? [one.name] : [])));
  const found = (await projectNetworks(deps.engine, name)).filter((one) => !external.has(one.Name));
  await forEachLimited(
    found,
    async ({ Name }) => {
      const step = { kind: 'Network', name: Name } as const;
      deps.report({ ...step, text: 'Removing', state: 'working' });
      try {
        await removeNetwork(deps.engine, Name);
        deps.report({ ...step, text: 'Removed', state: 'done' });
      } catch (error) {
        // Containers of others are connected to it: it stays, as with Docker Compose.
        if (!isKind(error, 'forbidden') && !isKind(error, 'conflict')) throw error;
        deps.report({ ...step, text: 'Resource is still in use', state: 'warning' });
      }
    },
    { limit: deps.parallel, signal: deps.signal },
  );
}

async function removeVolumes(deps: ComposeDeps, name: string, project: Project | undefined): Promise<void> {
  const named = Object.values(project?.volumes ?? {}).filter((one) => !one.external);
  const labelled = (await projectVolumes(deps.engine, name)).map(({ Name }) => Name);
  const external = new Set(Object.values(project?.volumes ?? {}).flatMap((one) => (one.external ? [one.name] : [])));
  const names = new Set([...labelled, ...named.map((one) => one.name).filter((one) => labelled.includes(one))]);
  await forEachLimited(
    [...names].filter((one) => !external.has(one)),
    async (volume) => {
      const step = { kind: 'Volume', name: volume } as const;
      deps.report({ ...step, text: 'Removing', state: 'working' });
      try {
        await removeVolume(deps.engine, volume);
        deps.report({ ...step, text: 'Removed', state: 'done' });
      } catch (error) {
        if (!isKind(error, 'conflict')) throw error;
        deps.report({ ...step, text: 'Resource is still in use', state: 'warning' });
      }
    },
    { limit: deps.parallel, signal: deps.signal },
  );
}

async function removeImages(deps: ComposeDeps, project: Project, which: 'all' | 'local'): Promise<void> {
  const images = new Set(
    Object.entries(project.services)
      .filter(([, service]) => which === 'all' || (service.build && service.image === undefined))
      .map(([name, service]) => imageOf(project, name, service)),
  );
  await forEachLimited(
    [...images],
    async (image) => {
      const step = { kind: 'Image', name: image } as const;
      await during(deps.report, step, ['Removing', 'Removed'], () =>
        removeImage(deps.engine, image, { force: false, noPrune: false, platforms: [] })
          .then(() => {})
          .catch((error: unknown) => {
            if (isKind(error, 'not-found')) return;
            if (!isKind(error, 'conflict')) throw error;
            deps.warn(`image ${image} is used by others and stays`);
          }),
      );
    },
    { limit: deps.parallel, signal: deps.signal },
  );
}
