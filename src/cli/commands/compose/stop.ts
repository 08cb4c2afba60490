import { stopServices } from '../../../compose/lifecycle.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { timeoutFlag, timeoutOf } from './lifecycle-flags.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'stop',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Stop services',
  flags: [timeoutFlag],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    const project = await projectIfThere(compose);
    checkServices(project, args);
    await orchestrate(session, compose, name, { title: 'Stopping' }, (deps) =>
      stopServices(deps, name, args, timeoutOf(flags), project),
    );
    return 0;
  },
};
