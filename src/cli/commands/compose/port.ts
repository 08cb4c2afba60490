import { notFound } from '../../../base/errors.ts';
import type { ComposeCommand } from './compose-command.ts';
import { findInstance, indexFlag } from './find-instance.ts';

export const command: ComposeCommand = {
  name: 'port',
  usage: '[OPTIONS] SERVICE PRIVATE_PORT',
  short: 'Show where a port of a service is published',
  flags: [indexFlag, { long: 'protocol', kind: 'string', default: 'tcp', description: 'tcp or udp' }],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [service = '', text = ''] }, session, compose) => {
    const [port, protocol = flags.string('protocol')] = text.split('/');
    const instance = await findInstance(session, compose, service, flags.int('index'), true);
    const found = instance.ports.find(
      ({ PrivatePort, PublicPort, Type }) =>
        PrivatePort === Number(port) && Type === protocol && PublicPort !== undefined,
    );
    if (!found) throw notFound(`no port ${port}/${protocol} for container ${instance.name}`);
    const address = found.IP?.includes(':') ? `[${found.IP}]` : (found.IP ?? '');
    await session.out.write(`${address}:${found.PublicPort}\n`);
    return 0;
  },
};
