import { instancesOf, startExisting } from '../../../compose/lifecycle.ts';
import { startServices } from '../../../compose/start-services.ts';
import { createTracker } from '../../../compose/tracker.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'start',
  usage: '[SERVICE...]',
  short: 'Start services that were stopped',
  flags: [],
  args: { min: 0 },
  run: async ({ args }, session, compose) => {
    const name = await compose.name();
    const project = await projectIfThere(compose);
    checkServices(project, args);
    await orchestrate(session, compose, name, { title: 'Starting' }, async (deps) => {
      const instances = await instancesOf(deps, name, args);
      if (!project) return await startExisting(deps, instances);
      const services = [...new Set(instances.map(({ service }) => service))].filter((one) => one in project.services);
      const tracker = createTracker(deps.engine, name);
      try {
        await startServices(deps, { project, instances: await instancesOf(deps, name, []) }, tracker, services);
      } finally {
        tracker.close();
      }
    });
    return 0;
  },
};
