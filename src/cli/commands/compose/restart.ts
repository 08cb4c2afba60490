import { instancesOf, restartServices } from '../../../compose/lifecycle.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { timeoutFlag, timeoutOf } from './lifecycle-flags.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'restart',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Restart services',
  flags: [timeoutFlag],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    checkServices(await projectIfThere(compose), args);
    await orchestrate(session, compose, name, { title: 'Restarting' }, async (deps) => {
      await restartServices(deps, await instancesOf(deps, name, args), timeoutOf(flags));
    });
    return 0;
  },
};
