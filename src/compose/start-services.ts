import { messageOf, TugError } from '../base/errors.ts';
import { inspect, start } from '../client/calls/containers.ts';
import type { Dependency, Project } from '../formats/compose-file/model.ts';
import { waitFor } from './conditions.ts';
import { replaceInWorld, type World } from './converge.ts';
import { type ComposeDeps, during, named } from './deps.ts';
import { forEachLimited, inOrder } from './graph.ts';
import { runHooks } from './hooks.ts';
import type { Instance } from './observe.ts';
import { isRunning } from './observe.ts';
import type { Tracker } from './tracker.ts';

type StartWorld = Pick<World, 'project' | 'instances'>;

/**
 * Starts services in the order of their dependencies, each when what it needs is as it wants it, independent ones at
 * the same time. Containers that run are left alone.
 * @throws naming the service that could not be started and why.
 */
export async function startServices(
  deps: ComposeDeps,
  world: StartWorld,
  tracker: Tracker,
  services: readonly string[],
): Promise<void> {
  const { project } = world;
  const waits = new Map<string, Promise<void>>();
  await inOrder(
    services,
    (name) => needsOf(project, name),
    async (name) => {
      await awaitDependencies(deps, world, tracker, name, waits);
      await startService(deps, world, name);
    },
    { limit: deps.parallel, signal: deps.signal },
  );
}

export const needsOf = (project: Project, name: string): string[] =>
  Object.keys(project.services[name]?.depends_on ?? {});

/** Waits until what a service needs is as it wants it. @throws naming what failed. */
export async function awaitDependencies(
  deps: ComposeDeps,
  world: StartWorld,
  tracker: Tracker,
  name: string,
  waits: Map<string, Promise<void>>,
): Promise<void> {
  const dependencies = Object.entries(world.project.services[name]?.depends_on ?? {});
  const waiting = dependencies.flatMap(([other, dependency]) =>
    world.instances
      .filter(({ service, oneOff }) => service === other && !oneOff)
      .map(async (instance) => {
        // two services that wait for the same thing wait once
        const key = `${instance.id} ${dependency.condition}`;
        const wait = waits.get(key) ?? waitFor(deps, tracker, instance, dependency.condition);
        waits.set(key, wait);
        await wait.catch((error: unknown) => forgive(deps, name, other, dependency, error));
      }),
  );
  const failed = (await Promise.allSettled(waiting)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

function forgive(deps: ComposeDeps, name: string, other: string, { required }: Dependency, error: unknown): void {
  if (required || (error instanceof TugError && error.kind === 'cancelled')) throw error;
  deps.warn(`service "${name}" is started without its optional dependency "${other}": ${messageOf(error)}`);
}

async function startService(deps: ComposeDeps, world: StartWorld, name: string): Promise<void> {
  const own = world.instances.filter(({ service, oneOff }) => service === name && !oneOff);
  await forEachLimited(
    own,
    async (instance) => {
      if (isRunning(instance)) deps.report({ kind: 'Container', name: instance.name, text: 'Running', state: 'done' });
      else await startInstance(deps, world, instance);
    },
    { limit: deps.parallel, signal: deps.signal },
  );
}

export async function startInstance(deps: ComposeDeps, world: StartWorld, instance: Instance): Promise<void> {
  await during(deps.report, { kind: 'Container', name: instance.name }, ['Starting', 'Started'], async () => {
    try {
      await start(deps.engine, instance.id);
    } catch (error) {
      throw named(error, instance.service);
    }
    replaceInWorld(world, instance, { ...instance, state: 'running' });
    await runHooks(deps, world.project.services[instance.service]?.post_start, instance);
  });
}

/** Waits until containers run, and are healthy where that is checked. @throws conflict for one that ended or is not. */
export async function waitUntilReady(
  deps: ComposeDeps,
  tracker: Tracker,
  instances: readonly Instance[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    instances.map(async (instance) => {
      const { Config, State } = await inspect(deps.engine, instance.id);
      const test = (Config as { Healthcheck?: { Test?: string[] } }).Healthcheck?.Test;
      if (test && test.length > 0 && test[0] !== 'NONE')
        return await waitFor(deps, tracker, instance, 'service_healthy', signal);
      if (State.Running) return deps.report({ kind: 'Container', name: instance.name, text: 'Healthy', state: 'done' });
      if (State.ExitCode !== 0 || State.Status === 'created')
        throw new TugError('conflict', `container ${instance.name} exited (${State.ExitCode})`);
    }),
  );
}
