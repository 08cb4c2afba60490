import { randomBytes } from 'node:crypto';
import { invalid } from '../base/errors.ts';
import type { Project, ServiceModel } from '../formats/compose-file/model.ts';
import { selectServices } from '../formats/compose-file/profiles.ts';
import { containerRequest, type ProjectOrigin } from './container-request.ts';
import { createAndFill, type World } from './converge.ts';
import type { ComposeDeps } from './deps.ts';
import { labelNames } from './labels.ts';
import { ensureImages } from './project-images.ts';
import { prepare, startAll, type UpOptions } from './up.ts';

export interface RunOptions {
  readonly name: string | undefined;
  readonly aliases: boolean;
  /** Removed by the engine when it ends. */
  readonly remove: boolean;
  /** What the service needs is left alone. */
  readonly noDependencies: boolean;
  /** How dependencies are brought up. */
  readonly up: Omit<UpOptions, 'services' | 'named'>;
}

/**
 * Makes a container for one command of a service, after bringing up what the service needs. It is not started.
 * @param model the service as it is to be this once.
 * @returns its id and name. Interrupted, it may be there: `down` removes it.
 */
export async function makeOneOff(
  deps: ComposeDeps,
  project: Project,
  origin: ProjectOrigin,
  lookup: World['lookup'],
  serviceName: string,
  model: ServiceModel,
  options: RunOptions,
  whole: Project,
): Promise<{ id: string; name: string }> {
  const changed: Project = { ...project, services: { ...project.services, [serviceName]: model } };
  const needed = selectServices(project, [serviceName], !options.noDependencies).filter((one) => one !== serviceName);
  const up: UpOptions = {
    ...options.up,
    services: needed,
    named: [],
    noRecreate: true,
    ignoreOrphans: !options.up.removeOrphans,
  };
  const world = await prepare(deps, changed, origin, lookup, up, whole, [serviceName]);
  await startAll(deps, world, up, [serviceName]);
  const images = await ensureImages(deps, changed, [serviceName], up);
  const slug = randomBytes(6).toString('hex');
  const name = options.name ?? `${project.name}-${serviceName}-run-${slug}`;
  if (world.instances.some((one) => one.name === name))
    throw invalid(`the name ${name} is taken by another container of the project`);
  const request = containerRequest({
    project: changed,
    origin,
    serviceName,
    service: model,
    place: { name, number: 1, oneOff: true, aliases: options.aliases },
    imageId: images.get(serviceName)?.id ?? '',
    others: world.instances,
    inherited: [],
  });
  request.Labels = { ...request.Labels, [labelNames.slug]: slug };
  request.AttachStdin = request.OpenStdin ?? false;
  request.StdinOnce = request.OpenStdin ?? false;
  if (options.remove) request.HostConfig = { ...request.HostConfig, AutoRemove: true };
  return { id: await createAndFill(deps, { project: changed, lookup }, serviceName, request, name), name };
}
