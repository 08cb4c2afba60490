import { writeFileSync } from 'node:fs';
import { errnoOf, invalid } from '../../../base/errors.ts';
import { packContext } from '../../../client/context-archive.ts';
import { openContextStore } from '../../../client/contexts.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['context export'],
  usage: 'CONTEXT [FILE|-]',
  short: 'Write a context to a tar archive, to a file or standard output',
  flags: [],
  args: { min: 1, max: 2 },
  withoutEngine: true,
  run: async ({ args: [name = '', file = `${name}.dockercontext`] }, session) => {
    const store = openContextStore(session.configFolder);
    const archive = packContext(store.read(name), store.readTls(name));
    if (file === '-') {
      if (session.out.isTerminal) throw invalid('cowardly refusing to export to a terminal, specify a file path');
      await session.out.write(archive);
      return 0;
    }
    try {
      writeFileSync(file, archive, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') throw invalid(`open ${file}: file exists`, { cause: error });
      throw error;
    }
    await session.err.write(`Written file "${file}"\n`);
    return 0;
  },
};
