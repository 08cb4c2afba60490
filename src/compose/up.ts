import { conflict, isKind, messageOf } from '../base/errors.ts';
import { inspect, stop } from '../client/calls/containers.ts';
import type { Project } from '../formats/compose-file/model.ts';
import { endOfLog } from './conditions.ts';
import type { ProjectOrigin } from './container-request.ts';
import { convergeService, removeInstance, replaceInWorld, type World } from './converge.ts';
import { type ComposeDeps, during } from './deps.ts';
import { forEachLimited, inOrder } from './graph.ts';
import { type Instance, isRunning, observeProject } from './observe.ts';
import { planService, planServices, type ServicePlan } from './plan.ts';
import { ensureImages, type ImageOptions } from './project-images.ts';
import { ensureNetworks, type NetworkPlan, planNetworks, usedNetworks } from './project-networks.ts';
import { ensureVolumes, planVolumes, usedVolumes } from './project-volumes.ts';
import { checkRolling, rollService } from './rolling.ts';
import { awaitDependencies, needsOf, startServices, waitUntilReady } from './start-services.ts';
import { createTracker, type Tracker } from './tracker.ts';
import { checkSupported } from './unsupported.ts';

export interface UpOptions extends ImageOptions {
  /** The services to bring up, what they need included where that is wanted. */
  readonly services: readonly string[];
  /** Those of them whose containers may be recreated; others only when they changed too, never by force. */
  readonly named: readonly string[];
  readonly forceRecreate: boolean;
  readonly noRecreate: boolean;
  readonly alwaysRecreateDeps: boolean;
  readonly scale: ReadonlyMap<string, number>;
  readonly removeOrphans: boolean;
  readonly ignoreOrphans: boolean;
  readonly renewVolumes: boolean;
  /** Seconds until a stop becomes a kill. */
  readonly timeout: number | undefined;
  readonly wait: boolean;
  /** Seconds; 0 for no limit. */
  readonly waitTimeout: number;
  readonly allResources: boolean;
  /** Running containers that are to be made anew are replaced one by one, each when the new one is ready. */
  readonly rolling?: boolean;
}

/**
 * Makes what the project's files describe, without starting anything: images, networks, volumes, containers.
 * Interrupted at any moment and called again it goes on from what is there.
 * @param forRun services whose networks and volumes are needed, and whose containers are not.
 * @param whole the project with the services of all profiles: containers of others are orphans.
 */
export async function prepare(
  deps: ComposeDeps,
  project: Project,
  origin: ProjectOrigin,
  lookup: World['lookup'],
  options: UpOptions,
  whole: Project,
  forRun: readonly string[] = [],
): Promise<World> {
  const { engine } = deps;
  for (const text of checkSupported(project, [...options.services, ...forRun])) deps.warn(text);
  const networkKeys = usedNetworks(project, [...options.services, ...forRun], options.allResources);
  const volumeKeys = usedVolumes(project, [...options.services, ...forRun], options.allResources);
  const [instances, networks, volumes, images] = await Promise.all([
    observeProject(engine, project.name),
    planNetworks(engine, project, networkKeys),
    planVolumes(engine, project, volumeKeys),
    ensureImages(deps, project, options.services, options),
  ]);
  const { timeout, renewVolumes } = options;
  const world: World = { project, origin, images, lookup, instances, timeout, renewVolumes, rolling: [] };
  await settleOrphans(deps, world, whole, options);
  const changedNetworks = new Set(networks.flatMap(({ key, change }) => (change === 'recreate' ? [key] : [])));
  await detachFromChanged(deps, world, networks);
  await Promise.all([ensureNetworks(deps, project, networks), ensureVolumes(deps, project, volumes)]);
  const plans = planAll(world, options, changedNetworks);
  if (options.rolling) putOff(world, plans);
  await stopDependents(deps, world, plans);
  await inOrder(
    options.services,
    (name) => needsOf(project, name),
    (name) => convergeService(deps, world, plans.get(name)!),
    { limit: deps.parallel, signal: deps.signal },
  );
  return world;
}

export const ownInstances = ({ instances }: Pick<World, 'instances'>, services: readonly string[]): Instance[] =>
  instances.filter(({ service, oneOff }) => services.includes(service) && !oneOff);

function planAll(world: World, options: UpOptions, changedNetworks: ReadonlySet<string>): Map<string, ServicePlan> {
  const { project, instances, images } = world;
  return planServices(project, options.services, (name, renewed) => {
    const own = instances.filter(({ service, oneOff, state }) => service === name && !oneOff && state !== 'removing');
    const isNamed = options.named.length === 0 || options.named.includes(name);
    const forceRecreate = isNamed ? options.forceRecreate : options.alwaysRecreateDeps;
    const { noRecreate, scale } = options;
    const plan = { forceRecreate, noRecreate, scale, changedNetworks, others: instances, renewed };
    return planService(project, name, own, images.get(name)?.id, plan);
  });
}

/** Leaves the replacing of running containers for when the others are started. */
function putOff(world: World, plans: Map<string, ServicePlan>): void {
  for (const [name, plan] of plans) {
    const running = plan.recreate.filter(({ instance }) => isRunning(instance));
    if (running.length === 0) continue;
    checkRolling(world.project, name);
    world.rolling.push({ ...plan, recreate: running });
    plans.set(name, { ...plan, recreate: plan.recreate.filter((change) => !running.includes(change)) });
  }
}

/** Containers of services that the files no longer have: removed where that is wanted, else told of. */
async function settleOrphans(deps: ComposeDeps, world: World, whole: Project, options: UpOptions): Promise<void> {
  const orphans = orphansOf(whole, world.instances);
  if (orphans.length === 0 || options.ignoreOrphans) return;
  if (options.removeOrphans)
    return await forEachLimited(orphans, (orphan) => removeInstance(deps, world, orphan), {
      limit: deps.parallel,
      signal: deps.signal,
    });
  deps.warn(
    `Found orphan containers ([${orphans.map(({ name }) => name).join(' ')}]) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up.`,
  );
}

/** @param project with the services of all profiles. */
export const orphansOf = (project: Project, instances: readonly Instance[]): Instance[] =>
  instances.filter(({ service, oneOff }) => !oneOff && !(service in project.services));

/** What is connected to a network that is made anew is stopped and let go of: its containers are made anew too. */
async function detachFromChanged(deps: ComposeDeps, world: World, networks: readonly NetworkPlan[]): Promise<void> {
  for (const { model, change } of networks) {
    if (change !== 'recreate') continue;
    const connected = world.instances.filter(
      ({ summary }) => summary && model.name in summary.NetworkSettings.Networks,
    );
    await forEachLimited(connected, async (instance) => {
      await stopInstance(deps, world, instance);
      const path = `/networks/${encodeURIComponent(model.name)}/disconnect`;
      await deps.engine
        .send('POST', path, { json: { Container: instance.id, Force: true } })
        .catch((error: unknown) => {
          if (!isKind(error, 'not-found')) throw error;
        });
    });
  }
}

async function stopInstance(deps: ComposeDeps, world: World, instance: Instance): Promise<void> {
  if (!isRunning(instance)) return;
  await during(deps.report, { kind: 'Container', name: instance.name }, ['Stopping', 'Stopped'], () =>
    stop(deps.engine, instance.id, { timeout: world.timeout, signal: undefined }),
  );
  replaceInWorld(world, instance, { ...instance, state: 'exited' });
}

/** Services that want a restart with what they need are stopped where that is made anew, and started after it. */
async function stopDependents(deps: ComposeDeps, world: World, plans: ReadonlyMap<string, ServicePlan>): Promise<void> {
  const renewed = new Set(
    [...plans.values()].filter(({ recreate }) => recreate.length > 0).map(({ service }) => service),
  );
  const dependents = [...plans.values()].filter(({ service }) =>
    Object.entries(world.project.services[service]?.depends_on ?? {}).some(
      ([other, { restart }]) => restart === true && renewed.has(other),
    ),
  );
  for (const { keep } of dependents) await forEachLimited(keep, (instance) => stopInstance(deps, world, instance));
}

/**
 * Starts what `prepare` made, in order, and waits until it is ready where that is wanted.
 * @param awaiting services that are not started, and whose dependencies are to be as they want them.
 */
export async function startAll(
  deps: ComposeDeps,
  world: World,
  options: UpOptions,
  awaiting: readonly string[] = [],
): Promise<void> {
  const tracker = createTracker(deps.engine, world.project.name);
  try {
    await startServices(deps, world, tracker, options.services);
    for (const plan of world.rolling) await rollService(deps, world, tracker, plan);
    for (const name of awaiting) await awaitDependencies(deps, world, tracker, name, new Map());
    if (options.wait) await waitForAll(deps, world, tracker, options);
  } finally {
    tracker.close();
  }
}

async function waitForAll(deps: ComposeDeps, world: World, tracker: Tracker, options: UpOptions): Promise<void> {
  const { waitTimeout } = options;
  const limit = waitTimeout > 0 ? AbortSignal.timeout(waitTimeout * 1000) : undefined;
  const signal = limit ? AbortSignal.any([deps.signal, limit]) : deps.signal;
  try {
    await waitUntilReady(deps, tracker, ownInstances(world, options.services), signal);
  } catch (error) {
    if (!limit?.aborted || deps.signal.aborted) throw error;
    throw conflict(
      `application not healthy after ${waitTimeout}s: ${await describeUnready(deps, world, options.services)}`,
      { cause: error },
    );
  }
}

async function describeUnready(deps: ComposeDeps, world: World, services: readonly string[]): Promise<string> {
  const states = await Promise.all(
    ownInstances(world, services).map(async (instance) => {
      const { State } = await inspect(deps.engine, instance.id);
      if (!State.Health || State.Health.Status === 'healthy') return undefined;
      return `${instance.name} is ${State.Health.Status}${await endOfLog(deps.engine, instance)}`;
    }),
  ).catch((error: unknown) => [messageOf(error)]);
  return states.filter((text) => text !== undefined).join('\n');
}
