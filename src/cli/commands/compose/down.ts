import { invalid } from '../../../base/errors.ts';
import { down } from '../../../compose/down.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'down',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Stop and remove the containers and networks of a project',
  flags: [
    {
      long: 'remove-orphans',
      kind: 'bool',
      description: 'Remove containers of services that the files no longer have',
    },
    {
      long: 'rmi',
      kind: 'string',
      description: 'Remove images too: "local" those without a name of their own, "all" all',
    },
    { long: 'timeout', short: 't', kind: 'int', description: 'Seconds until a stop becomes a kill' },
    { long: 'volumes', short: 'v', kind: 'bool', description: 'Remove volumes too, with what they hold' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const rmi = flags.optional('rmi');
    if (rmi !== undefined && rmi !== 'all' && rmi !== 'local')
      throw invalid(`invalid value for --rmi: ${JSON.stringify(rmi)}, it is "all" or "local"`);
    const name = await compose.name();
    const project = await projectIfThere(compose);
    checkServices(project, args);
    await orchestrate(session, compose, name, { title: 'Running' }, (deps) =>
      down(deps, name, project, {
        services: args,
        volumes: flags.bool('volumes'),
        images: rmi,
        removeOrphans: flags.bool('remove-orphans'),
        timeout: flags.given('timeout') ? flags.int('timeout') : undefined,
      }),
    );
    return 0;
  },
};
