import process from 'node:process';
import { start } from '../../../client/calls/containers.ts';
import { makeOneOff } from '../../../compose/run-once.ts';
import { withProfiles } from '../../../formats/compose-file/profiles.ts';
import type { Flag } from '../../command.ts';
import { startFailure } from '../../exit-codes.ts';
import { standardInput } from '../../terminal/input.ts';
import { asCreateFailure } from '../container/create-failure.ts';
import { command as containerStart } from '../container/start.ts';
import type { ComposeCommand } from './compose-command.ts';
import { delegate } from './delegate.ts';
import { orchestrate } from './orchestrate.ts';
import { originOf } from './origin.ts';
import { modelForRun } from './run-model.ts';
import { upOptions } from './up-options.ts';

const flagTable: readonly Flag[] = [
  { long: 'build', kind: 'bool', description: 'Build the image first' },
  { long: 'cap-add', kind: 'list', description: 'Give it this capability' },
  { long: 'cap-drop', kind: 'list', description: 'Take this capability away' },
  { long: 'detach', short: 'd', kind: 'bool', description: 'Run it in the background and print its name' },
  { long: 'entrypoint', kind: 'string', description: "Instead of the service's entrypoint" },
  { long: 'env', short: 'e', kind: 'list', description: 'Environment variable (NAME=VALUE, or NAME to pass it on)' },
  { long: 'env-from-file', kind: 'list', description: 'File of environment variables' },
  { long: 'interactive', short: 'i', kind: 'bool', default: 'true', description: 'Keep its stdin open' },
  { long: 'label', short: 'l', kind: 'list', description: 'Label (NAME=VALUE)' },
  { long: 'name', kind: 'string', description: "The container's name" },
  { long: 'no-deps', kind: 'bool', description: 'Leave what the service needs alone' },
  { long: 'no-tty', short: 'T', kind: 'bool', description: 'Give it no terminal (as where there is none)' },
  { long: 'publish', short: 'p', kind: 'list', description: 'Publish a port' },
  {
    long: 'pull',
    kind: 'string',
    default: 'policy',
    description: "Pull the image first: always, missing, never, or the service's policy",
  },
  { long: 'quiet', short: 'q', kind: 'bool', description: 'Tell nothing of how it goes' },
  { long: 'remove-orphans', kind: 'bool', description: 'Remove containers of services that the files no longer have' },
  { long: 'rm', kind: 'bool', description: 'Remove the container when it ends' },
  { long: 'service-ports', short: 'P', kind: 'bool', description: "Publish the service's ports" },
  { long: 'use-aliases', kind: 'bool', description: "Let others find it by the service's names" },
  { long: 'user', short: 'u', kind: 'string', description: 'User to run as' },
  { long: 'volume', short: 'v', kind: 'list', description: 'Mount this too' },
  { long: 'workdir', short: 'w', kind: 'string', description: 'Working directory' },
];

export const command: ComposeCommand = {
  name: 'run',
  usage: '[OPTIONS] SERVICE [COMMAND] [ARG...]',
  short: 'Run a command in a container of its own, as a service has it',
  flags: flagTable,
  args: { min: 1 },
  stopAtArgument: true,
  run: async ({ flags, args: [serviceName = '', ...line] }, session, compose) => {
    const opened = await compose.open();
    const project = withProfiles(opened.project, opened.source.profiles, [serviceName]);
    const detached = flags.bool('detach');
    const tty = !flags.bool('no-tty') && !detached && session.out.isTerminal && standardInput().isTerminal;
    const model = modelForRun(project.services[serviceName]!, flags, line, {
      tty,
      env: session.env,
      cwd: process.cwd(),
    });
    const quiet = flags.bool('quiet');
    const { id, name } = await orchestrate(session, compose, project.name, { title: 'Running', quiet }, (deps) =>
      makeOneOff(
        deps,
        project,
        originOf(opened),
        opened.source.lookup,
        serviceName,
        model,
        {
          name: flags.optional('name'),
          aliases: flags.bool('use-aliases'),
          remove: flags.bool('rm'),
          noDependencies: flags.bool('no-deps'),
          up: upOptions(flags, project, [serviceName], new Map(), false, flagTable),
        },
        opened.project,
      ),
    );
    if (compose.globals.bool('dry-run')) return 0;
    if (!detached)
      return await delegate(
        containerStart,
        ['--attach', ...(flags.bool('interactive') ? ['--interactive'] : []), id],
        session,
      );
    try {
      await start(session.engine, id);
    } catch (error) {
      throw asCreateFailure(error, 'run', startFailure(error));
    }
    await session.out.write(`${name}\n`);
    return 0;
  },
};
