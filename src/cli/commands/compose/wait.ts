import { wait } from '../../../client/calls/containers.ts';
import { down } from '../../../compose/down.ts';
import { instancesOf } from '../../../compose/lifecycle.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'wait',
  usage: 'SERVICE [SERVICE...]',
  short: 'Wait until the first of the services ends, and end with its exit code',
  flags: [{ long: 'down-project', kind: 'bool', description: 'Take the project away then' }],
  args: { min: 1 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    const instances = await instancesOf(session, name, args);
    const ended = instances.map(async ({ id, name: container }) => {
      const { result } = await wait(session.engine, id, 'not-running');
      return { container, code: (await result).StatusCode };
    });
    const first = await Promise.race(ended);
    await session.out.write(`container ${JSON.stringify(first.container)} exited with status code ${first.code}\n`);
    if (flags.bool('down-project')) {
      const project = await projectIfThere(compose);
      const options = { services: [], volumes: false, images: undefined, removeOrphans: false, timeout: undefined };
      await orchestrate(session, compose, name, { title: 'Running' }, (deps) => down(deps, name, project, options));
    }
    return first.code;
  },
};
