import type { ContainerContext } from './context.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { isRestartedUnhealthy } from './restart-policy.ts';
import { stopContainer } from './stop.ts';

/**
 * Stops a container of `--restart-on-unhealthy` that became unhealthy; its policy starts it again. One whose policy
 * has no restart left is let run. Why it is stopped is recorded before the first signal: killed at any moment after
 * that, its end is followed by the restart; killed before, the next engine finds it unhealthy and comes here too.
 */
export function restartUnhealthy(context: ContainerContext, record: ContainerRecord): void {
  const { asked, restartCount } = record.state;
  if (!record.host.RestartOnUnhealthy || !isRunning(record) || !['', 'unhealthy'].includes(asked)) return;
  if (!isRestartedUnhealthy(record)) {
    context.log.warn('an unhealthy container has no restart left', { container: record.id, restarts: restartCount });
    return;
  }
  context.log.info('restarting a container that is unhealthy', { container: record.id });
  stopContainer(context, record, { timeout: undefined, signal: undefined }, 'unhealthy').catch((error: unknown) => {
    context.log.error('stopping an unhealthy container', { container: record.id, error });
  });
}
