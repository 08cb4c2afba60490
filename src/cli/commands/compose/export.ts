import { command as containerExport } from '../container/export.ts';
import type { ComposeCommand } from './compose-command.ts';
import { delegate, passed } from './delegate.ts';
import { findInstance, indexFlag } from './find-instance.ts';

export const command: ComposeCommand = {
  name: 'export',
  usage: '[OPTIONS] SERVICE',
  short: "Write the files of a service's container as a tar",
  flags: [indexFlag, { long: 'output', short: 'o', kind: 'string', description: 'File to write instead of stdout' }],
  args: { min: 1, max: 1 },
  wouldDo: async ({ flags, args: [service = ''] }, session, compose) => {
    const { name } = await findInstance(session, compose, service, flags.int('index'), false);
    return [`Container ${name}  Exported${flags.given('output') ? ` to ${flags.string('output')}` : ''}`];
  },
  run: async ({ flags, args: [service = ''] }, session, compose) => {
    const instance = await findInstance(session, compose, service, flags.int('index'), false);
    return await delegate(containerExport, [...passed('output', flags.optional('output')), instance.id], session);
  },
};
