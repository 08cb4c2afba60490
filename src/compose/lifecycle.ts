import { conflict, isKind, notFound } from '../base/errors.ts';
import { kill, pause, restart, start, stop, unpause } from '../client/calls/containers.ts';
import type { Project } from '../formats/compose-file/model.ts';
import { type ComposeDeps, during } from './deps.ts';
import { dependenciesOf } from './down.ts';
import { forEachLimited, inOrder, reversed } from './graph.ts';
import { runHooks } from './hooks.ts';
import { labelNames, readDependsOn } from './labels.ts';
import { type Instance, isRunning, observeProject } from './observe.ts';

/**
 * The containers of these services, of all without names, `run`'s left out.
 * @throws not-found for a service that has none.
 */
export async function instancesOf(
  deps: Pick<ComposeDeps, 'engine'>,
  project: string,
  services: readonly string[],
  oneOffs = false,
): Promise<Instance[]> {
  const all = (await observeProject(deps.engine, project)).filter(({ oneOff }) => oneOffs || !oneOff);
  for (const name of services)
    if (!all.some(({ service }) => service === name))
      throw notFound(`service "${name}" has no container; "tug compose up" or "create" makes it`);
  return services.length === 0 ? all : all.filter(({ service }) => services.includes(service));
}

/** Does something with containers, service by service in the order of what they need, or the other way round. */
async function byService(
  deps: ComposeDeps,
  instances: readonly Instance[],
  order: 'needs first' | 'needs last',
  work: (instance: Instance) => Promise<void>,
  whole: readonly Instance[] = instances,
): Promise<void> {
  const services = [...new Set(instances.map(({ service }) => service))];
  const needs = (service: string): string[] => neededAmong(services, whole, service);
  await inOrder(
    services,
    order === 'needs first' ? needs : reversed(services, needs),
    (service) =>
      forEachLimited(
        instances.filter((one) => one.service === service),
        work,
        { limit: deps.parallel, signal: deps.signal },
      ),
    { limit: deps.parallel, signal: deps.signal },
  );
}

/** What a service needs of some, directly or by way of others that are not among them. */
function neededAmong(services: readonly string[], whole: readonly Instance[], service: string): string[] {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    for (const other of dependenciesOf(whole, name)) {
      if (seen.has(other)) continue;
      seen.add(other);
      visit(other);
    }
  };
  visit(service);
  return services.filter((name) => name !== service && seen.has(name));
}

/** Stops services, those that need others first. Idempotent. @param timeout seconds until a stop becomes a kill. */
export async function stopServices(
  deps: ComposeDeps,
  project: string,
  services: readonly string[],
  timeout: number | undefined,
  model?: Project,
): Promise<void> {
  const found = (await observeProject(deps.engine, project)).filter(({ oneOff }) => !oneOff);
  const instances = found.filter((one) => (services.length === 0 || services.includes(one.service)) && isRunning(one));
  const stopOne = (instance: Instance): Promise<void> =>
    during(deps.report, { kind: 'Container', name: instance.name }, ['Stopping', 'Stopped'], async () => {
      await runHooks(deps, model?.services[instance.service]?.pre_stop, instance);
      await stop(deps.engine, instance.id, { timeout, signal: undefined });
    });
  await byService(deps, instances, 'needs last', stopOne, found);
}

/** Starts containers that are there, what they need first. Idempotent. */
export async function startExisting(deps: ComposeDeps, instances: readonly Instance[]): Promise<void> {
  await byService(deps, instances, 'needs first', async (instance) => {
    if (isRunning(instance)) return;
    await during(deps.report, { kind: 'Container', name: instance.name }, ['Starting', 'Started'], () =>
      start(deps.engine, instance.id),
    );
  });
}

/** The containers of some services, and of those that are restarted with them (`depends_on` with `restart`). */
export function withDependents(all: readonly Instance[], services: readonly string[]): Instance[] {
  const chosen = new Set(services);
  // a set that grows while it is gone through
  for (const name of chosen)
    for (const { service, labels } of all)
      if (readDependsOn(labels[labelNames.dependsOn]).some((one) => one.restart && one.name === name))
        chosen.add(service);
  return all.filter(({ service }) => chosen.has(service));
}

export async function restartServices(
  deps: ComposeDeps,
  instances: readonly Instance[],
  timeout: number | undefined,
): Promise<void> {
  await byService(deps, instances, 'needs first', (instance) =>
    during(deps.report, { kind: 'Container', name: instance.name }, ['Restarting', 'Started'], () =>
      restart(deps.engine, instance.id, { timeout, signal: undefined }),
    ),
  );
}

const verbs = {
  kill: { words: ['Killing', 'Killed'], call: kill, applies: isRunning },
  pause: { words: ['Pausing', 'Paused'], call: pause, applies: ({ state }: Instance) => state === 'running' },
  unpause: { words: ['Unpausing', 'Unpaused'], call: unpause, applies: ({ state }: Instance) => state === 'paused' },
} as const;

/** Kills, pauses or lets go on. @throws conflict when no container is in a state for it. */
export async function signalServices(
  deps: ComposeDeps,
  instances: readonly Instance[],
  verb: keyof typeof verbs,
  signal?: string,
): Promise<void> {
  const { words, call, applies } = verbs[verb];
  const chosen = instances.filter(applies);
  if (chosen.length === 0 && instances.length > 0 && verb !== 'kill') throw conflict(`no container to ${verb}`);
  await forEachLimited(
    chosen,
    (instance) =>
      during(deps.report, { kind: 'Container', name: instance.name }, words, () =>
        call(deps.engine, instance.id, signal).catch((error: unknown) => {
          if (!isKind(error, 'not-found')) throw error;
        }),
      ),
    { limit: deps.parallel, signal: deps.signal },
  );
}
