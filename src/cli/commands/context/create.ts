import { invalid } from '../../../base/errors.ts';
import { checkContextName, openContextStore } from '../../../client/contexts.ts';
import type { Command } from '../../command.ts';
import { copyOf, endpointFlag, endpointOf } from './endpoint-option.ts';

export const command: Command = {
  paths: ['context create'],
  usage: '[OPTIONS] CONTEXT',
  short: 'Create a context',
  flags: [
    { long: 'description', kind: 'string', description: 'What it is for' },
    endpointFlag,
    { long: 'from', kind: 'string', description: 'Copy this context' },
  ],
  args: { min: 1, max: 1 },
  withoutEngine: true,
  run: async ({ flags, args: [name = ''] }, session) => {
    const store = openContextStore(session.configFolder);
    checkContextName(name);
    if (store.exists(name)) throw invalid(`context "${name}" already exists`);
    const source = flags.optional('from') ?? session.contextName;
    const { endpoint, tls } = flags.given('docker')
      ? endpointOf(session, store, flags.list('docker'))
      : copyOf(session, store, source);
    const former = flags.given('from') && source !== 'default' ? store.read(source).Metadata.Description : undefined;
    const description = flags.optional('description') ?? former;
    const Metadata = description ? { Description: description } : {};
    store.write({ Name: name, Metadata, Endpoints: { docker: endpoint } }, { docker: tls });
    await session.out.write(`${name}\n`);
    await session.err.write(`Successfully created context "${name}"\n`);
    return 0;
  },
};
