import { notFound } from '../../../base/errors.ts';
import { type Instance, isRunning, observeProject } from '../../../compose/observe.ts';
import type { Flag, Session } from '../../command.ts';
import type { ComposeContext } from './compose-command.ts';

export const indexFlag: Flag = {
  long: 'index',
  kind: 'int',
  default: '0',
  description: 'Number of the container, where the service has several',
};

/**
 * The container of a service that a command means: the one with that number, else the first.
 * @throws not-found when there is none, or none that runs where `running` is asked for.
 */
export async function findInstance(
  session: Session,
  compose: ComposeContext,
  service: string,
  index: number,
  running: boolean,
): Promise<Instance> {
  const project = await compose.name();
  const own = (await observeProject(session.engine, project)).filter((one) => one.service === service && !one.oneOff);
  const found = own.filter((one) => (index === 0 || one.number === index) && (!running || isRunning(one)));
  if (found[0]) return found[0];
  if (own.length === 0 || !running)
    throw notFound(
      index > 0
        ? `service "${service}" has no container with index ${index}`
        : `no container found for service "${service}"`,
    );
  throw notFound(`service "${service}" is not running`);
}
