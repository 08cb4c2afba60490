import { conflict } from '../base/errors.ts';
import { callOffStart } from './call-off.ts';
import type { ContainerContext } from './context.ts';
import { type ContainerRecord, isRunning, type RecordedState } from './record.ts';
import { exitResponse } from './wait.ts';

/**
 * Calls off the restart that a container waits for: it is stopped then, as if by hand. Returns false when there is
 * none to call off; a container whose wait was over this moment runs by then. One step in the database.
 */
export async function cancelRestart(
  context: ContainerContext,
  record: ContainerRecord,
  asked: RecordedState['asked'] = 'stop',
): Promise<boolean> {
  if (record.state.status !== 'restarting') return false;
  callOffStart(context, record);
  return await context.locks.with('container', record.id, async () => {
    if (record.state.status !== 'restarting') return !isRunning(record);
    context.store.setState(record, { status: 'exited', asked });
    context.restarts.cancel(record.id);
    context.waiters.exited(record.id, exitResponse(record));
    return true;
  });
}

/** @throws conflict, in Docker's words, for a container that waits to be restarted. */
export function refuseRestarting(record: ContainerRecord, forWhat = ''): void {
  if (record.state.status === 'restarting')
    throw conflict(`Container ${record.id} is restarting, wait until the container is running${forWhat}`);
}
