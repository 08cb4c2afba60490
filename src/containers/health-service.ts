import type { EventMessage } from '../api/types/event.ts';
import type { ContainerContext } from './context.ts';
import { eventAttributes } from './create.ts';
import { beginProbe } from './exec-probe.ts';
import { createHealthMonitors, type HealthMonitors } from './health.ts';
import { loadHealth, saveHealth } from './health-store.ts';
import { runProbe } from './probe.ts';
import type { ContainerRecord } from './record.ts';

/**
 * The health checks of an engine's containers, which begin, stand still and end as the containers' events tell.
 * `context` may be incomplete still; it is used once containers run. `unhealthy` is told of each that became so.
 */
export function openHealth(
  context: () => ContainerContext,
  deps: Pick<ContainerContext, 'clock' | 'database' | 'events' | 'healthEarlyProbes' | 'log'>,
  unhealthy: (record: ContainerRecord) => void,
): HealthMonitors {
  const monitors = createHealthMonitors({
    clock: deps.clock,
    saved: loadHealth(deps.database),
    save: (id, health) => saveHealth(deps.database, deps.log, id, health),
    early: deps.healthEarlyProbes,
    probe: (record, plan, signal, kind) =>
      runProbe(deps.clock, plan, () => beginProbe(context(), record, plan.command, kind), signal),
    changed(record, health) {
      deps.events.publish('container', `health_status: ${health.status}`, record.id, eventAttributes(record));
      if (health.status === 'unhealthy') unhealthy(record);
    },
  });
  deps.events.subscribe((event) => {
    try {
      follow(monitors, event, (id) => context().store.get(id));
    } catch (error) {
      deps.log.error('checking the health of a container', { container: event.Actor.ID, error });
    }
  });
  return monitors;
}

function follow(
  monitors: HealthMonitors,
  { Type, Action, Actor: { ID: id } }: EventMessage,
  recordOf: (id: string) => ContainerRecord | undefined,
): void {
  if (Type !== 'container') return;
  const record = recordOf(id);
  if (Action === 'start' && record) monitors.begin(record);
  if (Action === 'die') monitors.end(id);
  if (Action === 'pause') monitors.suspend(id);
  if (Action === 'unpause') monitors.unsuspend(id);
  if (Action === 'destroy') monitors.forget(id);
}
