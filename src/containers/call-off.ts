import { conflict } from '../base/errors.ts';
import type { ContainerContext } from './context.ts';
import type { ContainerRecord } from './record.ts';

/**
 * Calls off a start that is under way, should it wait for a runtime that hangs: whoever asked for the start is told.
 * What was made is undone by the start itself; wait for its lock. Returns false when there is none.
 */
export function callOffStart(context: ContainerContext, record: ContainerRecord): boolean {
  const start = context.starting.get(record.id);
  start?.abort(conflict(`the start of container ${record.name} was called off`, { code: 'start-called-off' }));
  return start !== undefined;
}
