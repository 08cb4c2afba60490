import { conflict, invalid, messageOf } from '../base/errors.ts';
import type { Project } from '../formats/compose-file/model.ts';
import { createInstance, removeInstance, type World } from './converge.ts';
import type { ComposeDeps } from './deps.ts';
import type { ServicePlan } from './plan.ts';
import { startInstance, waitUntilReady } from './start-services.ts';
import type { Tracker } from './tracker.ts';

/** @throws invalid for a service of which two containers cannot run at a time. */
export function checkRolling(project: Project, service: string): void {
  const model = project.services[service]!;
  if (model.container_name !== undefined)
    throw invalid(
      `service "${service}" cannot be updated without a gap: its container_name can be had by one container only`,
    );
  const fixed = (model.ports ?? []).find(({ published }) => published !== undefined && !published.includes('-'));
  if (fixed)
    throw invalid(
      `service "${service}" cannot be updated without a gap: port ${fixed.published} can be held by one container only; publish a range of ports, or none`,
    );
}

/**
 * Replaces the containers of a service one by one: a new one is made, started and ready (healthy, where that is
 * checked) before an old one is stopped. New ones have numbers of their own. Interrupted, both are there; the next
 * `up` removes what is too many. @throws conflict when a new one does not become ready: it is removed, the old run on.
 */
export async function rollService(deps: ComposeDeps, world: World, tracker: Tracker, plan: ServicePlan): Promise<void> {
  const { service } = plan;
  for (const { instance } of plan.recreate) {
    deps.signal.throwIfAborted();
    const made = await createInstance(deps, world, service, freeNumber(world, service), undefined);
    try {
      await startInstance(deps, world, made);
      await waitUntilReady(deps, tracker, [made], deps.signal);
    } catch (error) {
      await removeInstance(deps, world, { ...made, state: 'running' }, { volumes: true }).catch(() => {}); // the first error counts
      throw conflict(`service "${service}" was not updated, its old containers run on: ${messageOf(error)}`, {
        cause: error,
      });
    }
    await removeInstance(deps, world, instance);
  }
}

function freeNumber({ instances }: World, service: string): number {
  const taken = new Set(instances.filter((one) => one.service === service && !one.oneOff).map(({ number }) => number));
  let number = 1;
  while (taken.has(number)) number++;
  return number;
}
