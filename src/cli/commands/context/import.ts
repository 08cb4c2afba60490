import { createReadStream } from 'node:fs';
import { invalid } from '../../../base/errors.ts';
import { unpackContext } from '../../../client/context-archive.ts';
import { checkContextName, openContextStore } from '../../../client/contexts.ts';
import type { Command } from '../../command.ts';
import { standardInput } from '../../terminal/input.ts';

export const command: Command = {
  paths: ['context import'],
  usage: 'CONTEXT FILE|-',
  short: 'Make a context from a tar archive',
  flags: [],
  args: { min: 2, max: 2 },
  withoutEngine: true,
  run: async ({ args: [name = '', file = ''] }, session) => {
    const store = openContextStore(session.configFolder);
    checkContextName(name);
    if (store.exists(name)) throw invalid(`context "${name}" already exists`);
    const { meta, tls } = await unpackContext(file === '-' ? standardInput().chunks() : createReadStream(file));
    store.write({ ...meta, Name: name }, tls);
    await session.out.write(`${name}\n`);
    await session.err.write(`Successfully imported context "${name}"\n`);
    return 0;
  },
};
