import { prepare } from '../../../compose/up.ts';
import { withProfiles } from '../../../formats/compose-file/profiles.ts';
import type { ComposeCommand } from './compose-command.ts';
import { orchestrate } from './orchestrate.ts';
import { originOf } from './origin.ts';
import { createFlags } from './up-flags.ts';
import { checkUpFlags, scaleOf, upOptions } from './up-options.ts';

export const command: ComposeCommand = {
  name: 'create',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Make the containers of a project and start none',
  flags: createFlags,
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    checkUpFlags(flags);
    const opened = await compose.open();
    const scale = scaleOf(flags.list('scale'), opened.project);
    const project = withProfiles(opened.project, opened.source.profiles, args);
    const options = upOptions(flags, project, args, scale, compose.globals.bool('all-resources'), createFlags);
    await orchestrate(session, compose, project.name, { title: 'Creating' }, (deps) =>
      prepare(deps, project, originOf(opened), opened.source.lookup, options, opened.project),
    );
    return 0;
  },
};
