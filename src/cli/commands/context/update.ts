import { checkContextName, openContextStore } from '../../../client/contexts.ts';
import type { Command } from '../../command.ts';
import { endpointFlag, endpointOf } from './endpoint-option.ts';

export const command: Command = {
  paths: ['context update'],
  usage: '[OPTIONS] CONTEXT',
  short: 'Change a context',
  flags: [{ long: 'description', kind: 'string', description: 'What it is for' }, endpointFlag],
  args: { min: 1, max: 1 },
  withoutEngine: true,
  run: async ({ flags, args: [name = ''] }, session) => {
    const store = openContextStore(session.configFolder);
    checkContextName(name);
    const meta = store.read(name);
    const description = flags.optional('description');
    if (description) meta.Metadata.Description = description;
    const given = flags.given('docker') ? endpointOf(session, store, flags.list('docker')) : undefined;
    if (given) meta.Endpoints['docker'] = given.endpoint;
    store.write(meta, given ? { docker: given.tls } : {});
    await session.out.write(`${name}\n`);
    await session.err.write(`Successfully updated context "${name}"\n`);
    return 0;
  },
};
