import type { ContainerContext } from './context.ts';
import { mountsOf } from './mounts.ts';
import type { ContainerRecord } from './record.ts';

/** Says that a container has its volumes mounted, with Docker's attributes. */
export function publishMounts({ events, volumes }: ContainerContext, record: ContainerRecord): void {
  for (const { type, name = '', target, readOnly } of mountsOf(record)) {
    if (type !== 'volume') continue;
    events.publish('volume', 'mount', name, {
      container: record.id,
      destination: target,
      driver: volumes.find(name)?.driver ?? 'local',
      propagation: '',
      'read/write': String(!readOnly),
    });
  }
}

/** Says that a container let go of these volumes. */
export function publishUnmounts(
  { events, volumes }: ContainerContext,
  record: ContainerRecord,
  names: readonly string[],
): void {
  for (const name of names)
    events.publish('volume', 'unmount', name, { container: record.id, driver: volumes.find(name)?.driver ?? 'local' });
}
