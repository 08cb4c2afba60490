import { instancesOf, restartServices, withDependents } from '../../../compose/lifecycle.ts';
import type { Instance } from '../../../compose/observe.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { timeoutFlag, timeoutOf } from './lifecycle-flags.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'restart',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Restart services',
  flags: [
    { long: 'no-deps', kind: 'bool', description: 'Leave services alone that are restarted with these' },
    timeoutFlag,
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    checkServices(await projectIfThere(compose), args);
    await orchestrate(session, compose, name, { title: 'Restarting' }, async (deps) => {
      const named = await instancesOf(deps, name, args);
      const chosen = flags.bool('no-deps')
        ? named
        : withDependents(await instancesOf(deps, name, []), servicesOf(named));
      await restartServices(deps, chosen, timeoutOf(flags));
    });
    return 0;
  },
};

const servicesOf = (instances: readonly Instance[]): string[] => [...new Set(instances.map(({ service }) => service))];
