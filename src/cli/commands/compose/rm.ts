import { removeInstance } from '../../../compose/converge.ts';
import { forEachLimited } from '../../../compose/graph.ts';
import { instancesOf, stopServices } from '../../../compose/lifecycle.ts';
import { isRunning } from '../../../compose/observe.ts';
import { confirm } from '../../confirm.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'rm',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Remove containers of services that are stopped',
  flags: [
    { long: 'force', short: 'f', kind: 'bool', description: 'Do not ask' },
    { long: 'stop', short: 's', kind: 'bool', description: 'Stop them first' },
    { long: 'volumes', short: 'v', kind: 'bool', description: 'Remove their volumes without a name too' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    const project = await projectIfThere(compose);
    checkServices(project, args);
    await orchestrate(session, compose, name, { title: 'Removing' }, async (deps) => {
      if (flags.bool('stop')) await stopServices(deps, name, args, undefined, project);
      const stopped = (await instancesOf(deps, name, args)).filter((instance) => !isRunning(instance));
      if (stopped.length === 0) return void (await session.err.write('No stopped containers\n'));
      const names = stopped.map((instance) => instance.name).join(', ');
      if (!flags.bool('force') && !(await confirm(session, `Going to remove ${names}`))) return;
      const world = {
        project: project ?? { name, services: {}, networks: {}, volumes: {}, configs: {}, secrets: {}, others: {} },
        instances: stopped.slice(),
        timeout: undefined,
      };
      await forEachLimited(
        stopped,
        (instance) => removeInstance(deps, world, instance, { volumes: flags.bool('volumes') }),
        {
          limit: deps.parallel,
        },
      );
    });
    return 0;
  },
};
