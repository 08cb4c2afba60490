import { command as containerAttach } from '../container/attach.ts';
import type { ComposeCommand } from './compose-command.ts';
import { delegate, passed } from './delegate.ts';
import { findInstance, indexFlag } from './find-instance.ts';

export const command: ComposeCommand = {
  name: 'attach',
  usage: '[OPTIONS] SERVICE',
  short: "Connect stdin, stdout and stderr with those of a service's container",
  flags: [
    { long: 'detach-keys', kind: 'string', description: 'Keys that detach from it' },
    indexFlag,
    { long: 'no-stdin', kind: 'bool', description: 'Leave stdin alone' },
    { long: 'sig-proxy', kind: 'bool', default: 'true', description: 'Pass signals on to the process' },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [service = ''] }, session, compose) => {
    const instance = await findInstance(session, compose, service, flags.int('index'), true);
    const options = [
      ...passed('detach-keys', flags.optional('detach-keys')),
      ...(flags.bool('no-stdin') ? ['--no-stdin'] : []),
      `--sig-proxy=${flags.bool('sig-proxy')}`,
    ];
    return await delegate(containerAttach, [...options, instance.id], session);
  },
};
