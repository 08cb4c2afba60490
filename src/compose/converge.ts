import type { MountPoint } from '../api/types/container.ts';
import { isKind } from '../base/errors.ts';
import { create, inspect, remove, rename, stop } from '../client/calls/containers.ts';
import type { Project } from '../formats/compose-file/model.ts';
import { containerName, containerRequest, type ProjectOrigin } from './container-request.ts';
import { type ComposeDeps, during, named } from './deps.ts';
import { forEachLimited } from './graph.ts';
import { runHooks } from './hooks.ts';
import { injectFiles } from './inject-files.ts';
import { labelNames } from './labels.ts';
import { type Instance, isRunning, observeProject } from './observe.ts';
import { makingName, type ServicePlan } from './plan.ts';
import type { ImageFound } from './project-images.ts';

/** The containers of a project as they are by now; what is made and removed is entered at once. */
export interface World {
  readonly project: Project;
  readonly origin: ProjectOrigin;
  readonly images: ReadonlyMap<string, ImageFound>;
  readonly lookup: (name: string) => string | undefined;
  readonly instances: Instance[];
  /** Seconds until a stop becomes a kill, where that was said. */
  readonly timeout: number | undefined;
  /** Volumes without a name are made anew. */
  readonly renewVolumes: boolean;
  /** What is replaced one by one once everything else runs. */
  readonly rolling: ServicePlan[];
}

/**
 * Makes a service's containers what they are to be, without starting any. A container whose place another takes goes
 * only when the other one is made: killed in between, both are there, and the next `up` keeps the new one.
 */
export async function convergeService(deps: ComposeDeps, world: World, plan: ServicePlan): Promise<void> {
  const { parallel, signal } = deps;
  const steps: (() => Promise<unknown>)[] = [
    ...plan.remove.map((change) => () => removeInstance(deps, world, change.instance)),
    ...plan.recreate.map((change) => () => recreate(deps, world, plan.service, change.instance)),
    ...plan.create.map((number) => () => createInstance(deps, world, plan.service, number, undefined)),
    ...plan.rename.map((change) => async () => {
      await rename(deps.engine, change.instance.id, change.name);
      replaceInWorld(world, change.instance, { ...change.instance, name: change.name });
    }),
  ];
  // What goes, goes first: it may hold what the others are to have.
  await forEachLimited(steps.slice(0, plan.remove.length), async (step) => void (await step()), {
    limit: parallel,
    signal,
  });
  await forEachLimited(steps.slice(plan.remove.length), async (step) => void (await step()), {
    limit: parallel,
    signal,
  });
}

async function recreate(deps: ComposeDeps, world: World, service: string, old: Instance): Promise<void> {
  const { engine, report } = deps;
  await during(report, { kind: 'Container', name: old.name }, ['Recreate', 'Recreated'], async () => {
    const next = await createInstance(deps, world, service, old.number, old);
    if (isRunning(old)) {
      await runHooks(deps, world.project.services[service]?.pre_stop, old);
      await stop(engine, old.id, { timeout: world.timeout, signal: undefined });
    }
    await remove(engine, old.id, { force: true, volumes: world.renewVolumes, link: false });
    removeFromWorld(world, old);
    const name = containerName(world.project, service, world.project.services[service]!, old.number);
    await rename(engine, next.id, name);
    replaceInWorld(world, next, { ...next, name });
  });
}

/**
 * Creates one container of a service. @param replaced the container whose place it takes: it has that one's volumes
 * without a name, and a name of its own until that one is gone.
 */
export async function createInstance(
  deps: ComposeDeps,
  world: World,
  service: string,
  number: number,
  replaced: Instance | undefined,
): Promise<Instance> {
  const { report } = deps;
  const { project, origin } = world;
  const model = project.services[service]!;
  const name = containerName(project, service, model, number);
  const inherited = replaced && !world.renewVolumes ? await mountsOf(deps, replaced) : [];
  const make = async (): Promise<Instance> => {
    const imageId = world.images.get(service)?.id ?? '';
    const request = containerRequest({
      project,
      origin,
      serviceName: service,
      service: model,
      place: { name, number, oneOff: false, aliases: true },
      imageId,
      others: world.instances,
      inherited,
    });
    if (replaced) request.Labels = { ...request.Labels, [labelNames.replace]: replaced.name };
    const asked = replaced ? makingName(replaced.id, name) : name;
    const attempt = (): Promise<string> => createAndFill(deps, world, service, request, asked);
    const id = await attempt().catch(async (error: unknown) => {
      if (!(await removeLeftOver(deps, world, service, asked, replaced === undefined, error))) throw error;
      return await attempt();
    });
    return instanceMade(id, asked, world.project.name, service, number, request.Labels ?? {}, imageId);
  };
  const made = replaced
    ? await make()
    : await during(report, { kind: 'Container', name }, ['Creating', 'Created'], make);
  world.instances.push(made);
  return made;
}

/**
 * Removes a container that a killed `up` asked for and that was made only after this one had looked: it bears the name
 * and was never started. @returns whether it was that.
 */
async function removeLeftOver(
  { engine }: ComposeDeps,
  { project }: World,
  service: string,
  name: string,
  volumes: boolean,
  error: unknown,
): Promise<boolean> {
  if (!isKind(error, 'conflict')) return false;
  const found = (await observeProject(engine, project.name)).find((one) => one.name === name);
  if (found?.service !== service || found.state !== 'created') return false;
  await remove(engine, found.id, { force: false, volumes, link: false });
  return true;
}

/** Creates a container and writes its configs and secrets into it; one that could not be filled is removed again. */
export async function createAndFill(
  deps: ComposeDeps,
  world: Pick<World, 'project' | 'lookup'>,
  service: string,
  request: Parameters<typeof create>[1],
  name: string,
): Promise<string> {
  const { engine } = deps;
  const model = world.project.services[service]!;
  const { Id, Warnings } = await create(engine, request, { name, platform: model.platform }).catch((error: unknown) => {
    throw named(error, service);
  });
  for (const warning of Warnings ?? []) deps.warn(`${service}: ${warning}`);
  try {
    await injectFiles(engine, world.project, service, model, Id, world.lookup);
  } catch (error) {
    await remove(engine, Id, { force: true, volumes: true, link: false }).catch(() => {}); // the first error counts
    throw error;
  }
  return Id;
}

const mountsOf = async (deps: ComposeDeps, { id }: Instance): Promise<readonly MountPoint[]> =>
  (await inspect(deps.engine, id)).Mounts;

export function instanceMade(
  id: string,
  name: string,
  project: string,
  service: string,
  number: number,
  labels: Readonly<Record<string, string>>,
  imageId: string,
): Instance {
  return {
    id,
    name,
    project,
    service,
    number,
    oneOff: false,
    state: 'created',
    health: 'none',
    status: 'Created',
    hash: labels[labelNames.hash] ?? '',
    image: '',
    imageId,
    labels,
    created: Math.floor(Date.now() / 1000),
    ports: [],
    summary: undefined,
  };
}

/** Stops and removes a container; one that is gone already is fine. */
export async function removeInstance(
  deps: ComposeDeps,
  world: Pick<World, 'instances' | 'timeout' | 'project'>,
  instance: Instance,
  options: { readonly volumes: boolean } = { volumes: false },
): Promise<void> {
  const step = { kind: 'Container', name: instance.name } as const;
  const ignoreGone = (error: unknown): void => {
    if (!isKind(error, 'not-found')) throw error;
  };
  if (isRunning(instance))
    await during(deps.report, step, ['Stopping', 'Stopped'], async () => {
      await runHooks(deps, world.project.services[instance.service]?.pre_stop, instance);
      await stop(deps.engine, instance.id, { timeout: world.timeout, signal: undefined }).catch(ignoreGone);
    });
  await during(deps.report, step, ['Removing', 'Removed'], () =>
    remove(deps.engine, instance.id, { force: true, volumes: options.volumes, link: false }).catch(ignoreGone),
  );
  removeFromWorld(world, instance);
}

function removeFromWorld({ instances }: Pick<World, 'instances'>, { id }: Instance): void {
  const at = instances.findIndex((one) => one.id === id);
  if (at >= 0) instances.splice(at, 1);
}

export function replaceInWorld({ instances }: Pick<World, 'instances'>, { id }: Instance, next: Instance): void {
  const at = instances.findIndex((one) => one.id === id);
  if (at >= 0) instances[at] = next;
}
