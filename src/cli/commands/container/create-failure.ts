import { messageOf } from '../../../base/errors.ts';
import { CommandFailure, engineError } from '../../exit-codes.ts';
import { OutputClosed } from '../../output/output.ts';

/** A failure of `run` or `create` as Docker shows it: the program's name in front, the hint below. */
export function asCreateFailure(error: unknown, verb: 'run' | 'create', status = engineError): unknown {
  if (error instanceof CommandFailure || error instanceof OutputClosed) return error;
  const hint = `\nRun 'tug ${verb} --help' for more information`;
  return new CommandFailure(`tug: ${messageOf(error)}`, status, { hint, cause: error });
}
