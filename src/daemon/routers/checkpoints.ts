import { unsupported } from '../../base/errors.ts';
import type { Handlers } from '../http/router.ts';

/** Checkpoints need CRIU, and a runtime that is built with it: what is asked for here is refused, and nothing is done. */
export function checkpointRoutes(): Handlers {
  const refuse = (): never => {
    throw noCheckpoints();
  };
  return { CheckpointCreate: refuse, CheckpointList: refuse, CheckpointDelete: refuse };
}

export const noCheckpoints = () =>
  unsupported('checkpoints of containers: not available in this version of tug', { code: 'not-built' });
