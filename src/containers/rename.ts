import { crashPoint } from '../base/crash-points.ts';
import { conflict, invalid } from '../base/errors.ts';
import type { ContainerContext } from './context.ts';
import { eventAttributes } from './create.ts';
import { checkName } from './names.ts';
import type { ContainerRecord } from './record.ts';

/**
 * Gives a container another name, whether it runs or not. One step in the database; killed after it, only the event is lost.
 * @throws invalid for a malformed name or its own, conflict when another container has it.
 */
export function renameContainer(context: ContainerContext, record: ContainerRecord, name: string): void {
  if (name === '' || name === '/') throw invalid('Neither old nor new names may be empty');
  const wanted = checkName(name);
  if (wanted === record.name) throw invalid('Renaming a container with the same name as its current name');
  const { status } = record.state;
  if (status === 'removing' || status === 'dead') {
    throw conflict(`Container ${record.id} is marked for removal and cannot be renamed`);
  }
  const before = record.name;
  context.database.transaction(() => {
    context.store.rename(record, wanted);
    context.networks.rename(record.id, wanted);
  });
  crashPoint('container.rename.recorded');
  context.events.publish('container', 'rename', record.id, { ...eventAttributes(record), oldName: `/${before}` });
}
