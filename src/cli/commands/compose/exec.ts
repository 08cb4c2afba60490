import { standardInput } from '../../terminal/input.ts';
import { command as containerExec } from '../container/exec.ts';
import type { ComposeCommand } from './compose-command.ts';
import { delegate, passed } from './delegate.ts';
import { findInstance, indexFlag } from './find-instance.ts';

export const command: ComposeCommand = {
  name: 'exec',
  usage: '[OPTIONS] SERVICE COMMAND [ARG...]',
  short: 'Run a command in a running container of a service',
  flags: [
    { long: 'detach', short: 'd', kind: 'bool', description: 'Run it in the background' },
    { long: 'env', short: 'e', kind: 'list', description: 'Environment variable (NAME=VALUE)' },
    indexFlag,
    { long: 'interactive', short: 'i', kind: 'bool', default: 'true', description: "Connect stdin with the command's" },
    { long: 'no-tty', short: 'T', kind: 'bool', description: 'Give it no terminal (as where there is none)' },
    { long: 'privileged', kind: 'bool', description: 'Lift all restrictions' },
    { long: 'user', short: 'u', kind: 'string', description: 'User to run as' },
    { long: 'workdir', short: 'w', kind: 'string', description: 'Working directory' },
  ],
  args: { min: 2 },
  stopAtArgument: true,
  wouldDo: async ({ flags, args: [service = '', ...line] }, session, compose) => {
    const { name } = await findInstance(session, compose, service, flags.int('index'), true);
    return [`Executing command ${JSON.stringify(line)} in ${name}`];
  },
  run: async ({ flags, args: [service = '', ...line] }, session, compose) => {
    const instance = await findInstance(session, compose, service, flags.int('index'), true);
    const detached = flags.bool('detach');
    const tty = !flags.bool('no-tty') && !detached && session.out.isTerminal && standardInput().isTerminal;
    const options = [
      ...(detached ? ['--detach'] : []),
      ...(flags.bool('interactive') && !detached ? ['--interactive'] : []),
      ...(tty ? ['--tty'] : []),
      ...(flags.bool('privileged') ? ['--privileged'] : []),
      ...flags.list('env').map((one) => `--env=${one}`),
      ...passed('user', flags.optional('user')),
      ...passed('workdir', flags.optional('workdir')),
    ];
    return await delegate(containerExec, [...options, instance.id, ...line], session);
  },
};
