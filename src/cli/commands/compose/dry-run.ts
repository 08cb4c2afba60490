import { pretend } from '../../../compose/pretend.ts';
import type { Invocation, Session } from '../../command.ts';
import type { ComposeCommand, ComposeContext } from './compose-command.ts';

/** What goes before each line of a dry run. */
export const dryRunMark = ' DRY-RUN MODE - ';

/** Tells what a command would do. Nothing is changed. @throws unsupported for a command that has no dry run. */
export async function runDry(
  command: ComposeCommand,
  invocation: Invocation,
  session: Session,
  compose: ComposeContext,
): Promise<number> {
  if (!command.wouldDo) return await command.run(invocation, { ...session, engine: pretend(session.engine) }, compose);
  for (const line of await command.wouldDo(invocation, session, compose))
    await session.err.write(`${dryRunMark} ${line} \n`);
  return 0;
}
