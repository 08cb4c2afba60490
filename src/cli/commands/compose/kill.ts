import { instancesOf, signalServices } from '../../../compose/lifecycle.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'kill',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Kill services',
  flags: [{ long: 'signal', short: 's', kind: 'string', default: 'SIGKILL', description: 'Signal to send' }],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    checkServices(await projectIfThere(compose), args);
    await orchestrate(session, compose, name, { title: 'Killing' }, async (deps) => {
      const instances = await instancesOf(deps, name, args);
      await signalServices(deps, instances, 'kill', flags.optional('signal'));
    });
    return 0;
  },
};
