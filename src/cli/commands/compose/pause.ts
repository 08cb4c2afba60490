import { instancesOf, signalServices } from '../../../compose/lifecycle.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'pause',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Halt the processes of services',
  flags: [],
  args: { min: 0 },
  run: async ({ args }, session, compose) => {
    const name = await compose.name();
    checkServices(await projectIfThere(compose), args);
    await orchestrate(session, compose, name, { title: 'Pausing' }, async (deps) => {
      await signalServices(deps, await instancesOf(deps, name, args), 'pause');
    });
    return 0;
  },
};
